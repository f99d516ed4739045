package org.airelab.nn;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.training.ParameterStore;
import org.airelab.torch.Aten;
import org.airelab.torch.NativeArrays;

/** Causal multi-head self-attention with one packed projection: x [batch, time, dim] to the same shape. */
public final class SelfAttention extends LayerBlock {
    private final double dropout;
    private final TensorDivision division;
    private final LayerOps ops;
    private final TorchOps plain;
    private final Linear qkv;
    private final Linear out;

    /**
     * @param division by heads
     * @param ops      computes training's attention
     * @param plain    computes attention over a cache
     * @param init     standard deviation of the input projection
     * @param outInit  standard deviation of the output projection
     */
    public SelfAttention(ModelConfig config, TensorDivision division, LayerOps ops, TorchOps plain, double init,
            double outInit) {
        this.dropout = config.dropout();
        this.division = division;
        this.ops = ops;
        this.plain = plain;
        long keys = (long) config.kvHeads() * config.headSize();
        qkv = child("qkv", Linear.columns(division, ops, config.dim(), config.bias(), init, config.dim(), keys, keys));
        out = child("out", Linear.rows(division, ops, config.dim(), config.dim(), config.bias(), outInit));
    }

    @Override
    public NDArray forward(ParameterStore parameters, NDArray x, boolean training) {
        NDArray packed = qkv.forward(parameters, x, training);
        NDArray attended = training && dropout > 0
                ? division.withOwnRandomNumbers(() -> ops.selfAttention(packed, dropout))
                : ops.selfAttention(packed, 0);
        return out.forward(parameters, attended, training);
    }

    /** As {@link #forward}, for tokens that follow those in the cache, which takes in theirs. */
    NDArray forward(ParameterStore parameters, NDArray x, KeyValueCache cache, int layer) {
        NDManager scope = x.getManager();
        TorchOps.Heads heads = plain.heads(qkv.forward(parameters, x, false), cache.length());
        NDArray[] all = cache.append(layer, heads.k(), heads.v());
        int time = (int) x.getShape().get(1);
        NDArray mask = time > 1 && cache.length() > 0 ? mask(x, cache.length(), time) : null;
        boolean causal = time > 1 && mask == null;
        NDArray attended = Aten.attention(scope, heads.q(), all[0], all[1], mask, 0, causal);
        return out.forward(parameters, TorchOps.join(attended), false);
    }

    /** Additive mask [time, seen + time]: the new token i sees all seen ones and the new ones up to itself. */
    private static NDArray mask(NDArray x, int seen, int time) {
        NDManager scope = x.getManager();
        NDArray key = scope.arange(seen + time).reshape(1, seen + time);
        NDArray last = scope.arange(seen, seen + time).reshape(time, 1);
        NDArray hidden = Aten.scale(scope, key.gt(last).toType(DataType.FLOAT32, false), -1e30);
        return Aten.to(scope, hidden, NativeArrays.type(x));
    }
}
