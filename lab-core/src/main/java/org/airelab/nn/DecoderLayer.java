package org.airelab.nn;

import ai.djl.ndarray.NDArray;
import ai.djl.training.ParameterStore;
import java.util.function.UnaryOperator;
import org.airelab.torch.Aten;

/**
 * Attention and feed-forward, each with its residual connection and norm: x [batch, time, dim] to the same shape. Of a
 * divided layer x is the stream.
 */
public final class DecoderLayer extends LayerBlock {
    private final double dropout;
    private final TensorDivision division;
    private final boolean normFirst;
    private final Normalization attentionNorm;
    private final SelfAttention attention;
    private final Normalization feedForwardNorm;
    private final FeedForward feedForward;

    /** Projections into the residual stream start smaller, by 1/sqrt(2 layers) (Radford et al. 2019, section 2.3). */
    public DecoderLayer(ModelConfig config, TensorDivision division, LayerOps ops, TorchOps plain) {
        double init = Decoder.initStd(config);
        double residualInit = init / Math.sqrt(2.0 * config.layers());
        dropout = config.dropout();
        this.division = division;
        normFirst = config.normPlacement() == ModelConfig.NormPlacement.PRE;
        attentionNorm = child("attention_norm", new Normalization(config, ops));
        attention = child("attention", new SelfAttention(config, division, ops, plain, init, residualInit));
        feedForwardNorm = child("feed_forward_norm", new Normalization(config, ops));
        feedForward = child("feed_forward", new FeedForward(config, division, ops, init, residualInit));
    }

    @Override
    public NDArray forward(ParameterStore parameters, NDArray x, boolean training) {
        return forward(parameters, x, training, h -> attention.forward(parameters, h, training));
    }

    /** For tokens that follow those in the cache. */
    NDArray forward(ParameterStore parameters, NDArray x, KeyValueCache cache, int layer) {
        return forward(parameters, x, false, h -> attention.forward(parameters, h, cache, layer));
    }

    private NDArray forward(ParameterStore parameters, NDArray x, boolean training, UnaryOperator<NDArray> attend) {
        if (!normFirst) {
            NDArray h = attentionNorm.forward(parameters, x.add(kept(attend.apply(x), training)), training);
            return feedForwardNorm.forward(parameters,
                    h.add(kept(feedForward.forward(parameters, h, training), training)), training);
        }
        LayerOps.Normed in = attentionNorm.forwardOfSum(parameters, x, null, training);
        NDArray attended = kept(attend.apply(in.normed()), training);
        LayerOps.Normed between = feedForwardNorm.forwardOfSum(parameters, in.sum(), attended, training);
        return between.sum().add(kept(feedForward.forward(parameters, between.normed(), training), training));
    }

    /** What dropout leaves of a sublayer's result. */
    private NDArray kept(NDArray y, boolean training) {
        return training && dropout > 0
                ? division.withRandomNumbersOfTheStream(() -> Aten.dropout(y.getManager(), y, dropout)) : y;
    }
}
