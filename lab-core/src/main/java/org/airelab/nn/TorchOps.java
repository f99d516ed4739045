package org.airelab.nn;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import org.airelab.torch.Aten;
import org.airelab.torch.NativeArrays;
import org.airelab.torch.ScalarType;

/** A decoder layer's operations by plain ATen operators: any device, any floating-point type. */
public final class TorchOps implements LayerOps {
    private static final double SQRT_2_OVER_PI = Math.sqrt(2 / Math.PI);

    private final HeadCounts counts;
    private final TorchRotary rotary;

    /**
     * @param manager owns the tables; its device is the model's
     * @param type    the type the model's parameters are kept in
     */
    public TorchOps(NDManager manager, ModelConfig config, ScalarType type) {
        this(manager, config, type, TensorDivision.NONE);
    }

    /** The same for a rank that has some of the heads. */
    public TorchOps(NDManager manager, ModelConfig config, ScalarType type, TensorDivision division) {
        this.counts = HeadCounts.of(config, division);
        this.rotary = config.rotary() ? new TorchRotary(manager, config, type) : null;
    }

    @Override
    public NDArray rmsNorm(NDArray x, NDArray weight, double eps) {
        NDManager scope = x.getManager();
        NDArray wide = widen(x);
        NDArray inverse = Aten.rsqrt(scope, wide.square().mean(new int[] {-1}, true)
                .add(Aten.number(scope, eps)));
        return Aten.to(scope, wide.mul(inverse).mul(widen(weight)), NativeArrays.type(x));
    }

    @Override
    public NDArray layerNorm(NDArray x, NDArray weight, NDArray bias, double eps) {
        Shape width = new Shape(x.getShape().tail());
        NDArray normal = ai.djl.nn.norm.LayerNorm.layerNorm(widen(x), width, widen(weight), widen(bias), (float) eps)
                .singletonOrThrow();
        return Aten.to(x.getManager(), normal, NativeArrays.type(x));
    }

    /** Half types become float32: sums over a row need its precision, and so do differences of near numbers. */
    private static NDArray widen(NDArray x) {
        ScalarType type = NativeArrays.type(x);
        return type == ScalarType.FLOAT16 || type == ScalarType.BFLOAT16
                ? Aten.to(x.getManager(), x, ScalarType.FLOAT32) : x;
    }

    @Override
    public NDArray selfAttention(NDArray qkv, double dropout) {
        Heads heads = heads(qkv, 0);
        NDArray out = Aten.attention(qkv.getManager(), heads.q, heads.k, heads.v, null, dropout, true);
        return join(out);
    }

    /** Queries [batch, heads, time, size], keys and values [batch, kvHeads, time, size], rotated if need be. */
    record Heads(NDArray q, NDArray k, NDArray v) {
    }

    /** Splits packed rows whose first is at position {@code start}. */
    Heads heads(NDArray qkv, int start) {
        NDManager scope = qkv.getManager();
        long batch = qkv.getShape().get(0);
        long time = qkv.getShape().get(1);
        NDArray rows = qkv.reshape(batch, time, counts.packed(), counts.size());
        NDArray q = Aten.narrow(scope, rows, 2, 0, counts.queries());
        NDArray k = Aten.narrow(scope, rows, 2, counts.queries(), counts.keyValues());
        NDArray v = Aten.narrow(scope, rows, 2, counts.queries() + counts.keyValues(), counts.keyValues());
        if (rotary != null) {
            q = rotary.rotate(q, start);
            k = rotary.rotate(k, start);
        }
        return new Heads(Aten.transpose(scope, q, 1, 2), Aten.transpose(scope, k, 1, 2),
                Aten.transpose(scope, v, 1, 2));
    }

    /** [batch, heads, time, size] to [batch, time, heads * size]. */
    static NDArray join(NDArray heads) {
        Shape shape = heads.getShape();
        return Aten.transpose(heads.getManager(), heads, 1, 2)
                .reshape(shape.get(0), shape.get(2), shape.get(1) * shape.get(3));
    }

    @Override
    public NDArray swiGlu(NDArray gateUp) {
        NDManager scope = gateUp.getManager();
        long hidden = gateUp.getShape().tail() / 2;
        NDArray gate = Aten.narrow(scope, gateUp, -1, 0, hidden);
        return Aten.silu(scope, gate).mul(Aten.narrow(scope, gateUp, -1, hidden, hidden));
    }

    @Override
    public NDArray gelu(NDArray x) {
        NDManager scope = x.getManager();
        NDArray wide = widen(x);
        NDArray cubed = Aten.scale(scope, wide.mul(wide).mul(wide), 0.044715);
        NDArray inner = Aten.scale(scope, wide.add(cubed), SQRT_2_OVER_PI);
        // 1 + tanh cancels for negative x: in bfloat16 nothing would be left of it from -3 on.
        NDArray share = inner.tanh().add(Aten.number(scope, 1));
        return Aten.to(scope, Aten.scale(scope, wide.mul(share), 0.5), NativeArrays.type(x));
    }

    @Override
    public NDArray relu(NDArray x) {
        return Aten.relu(x.getManager(), x);
    }
}
