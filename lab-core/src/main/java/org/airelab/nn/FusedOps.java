package org.airelab.nn;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import java.lang.foreign.MemorySegment;
import org.airelab.kernels.activation.Activation;
import org.airelab.kernels.activation.SwiGlu;
import org.airelab.kernels.attention.Attention;
import org.airelab.kernels.attention.AttentionShape;
import org.airelab.kernels.cpu.Parallel;
import org.airelab.kernels.norm.RmsNorm;
import org.airelab.kernels.rotary.Rotary;
import org.airelab.kernels.rotary.RotaryTable;
import org.airelab.torch.CustomFunction;
import org.airelab.torch.ScalarType;
import org.airelab.torch.Tensor;

/** A decoder layer's operations by the lab's CPU kernels, in float32; what has no kernel goes to plain operators. */
public final class FusedOps implements LayerOps {
    private final TorchOps plain;
    private final CustomFunction rmsNorm;
    private final CustomFunction attention;
    private final CustomFunction swiGlu = new SwiGluFunction();
    private final CustomFunction gelu = new ActivationFunction(Activation.GELU_TANH.fastest());
    private final CustomFunction relu = new ActivationFunction(Activation.RELU.fastest());

    /** {@code plain} computes what the kernels do not: LayerNorm, and attention with dropout. */
    public FusedOps(ModelConfig config, TorchOps plain) {
        // libtorch is loaded by now: the kernels then share its threads.
        Parallel.findOpenMp();
        this.plain = plain;
        this.rmsNorm = new RmsNormFunction((float) config.normEps());
        this.attention = new AttentionFunction(config);
    }

    @Override
    public NDArray rmsNorm(NDArray x, NDArray weight, double eps) {
        return rmsNorm.apply(x.getManager(), x, weight);
    }

    @Override
    public NDArray layerNorm(NDArray x, NDArray weight, NDArray bias, double eps) {
        return plain.layerNorm(x, weight, bias, eps);
    }

    @Override
    public NDArray selfAttention(NDArray qkv, double dropout) {
        return dropout > 0 ? plain.selfAttention(qkv, dropout) : attention.apply(qkv.getManager(), qkv, qkv);
    }

    @Override
    public NDArray swiGlu(NDArray gateUp) {
        return swiGlu.apply(gateUp.getManager(), gateUp, gateUp);
    }

    @Override
    public NDArray gelu(NDArray x) {
        return gelu.apply(x.getManager(), x, x);
    }

    @Override
    public NDArray relu(NDArray x) {
        return relu.apply(x.getManager(), x, x);
    }

    private static Tensor empty(long... shape) {
        return Tensor.empty(ScalarType.FLOAT32, Device.cpu(), shape);
    }

    /** A tensor's shape with another last dimension. */
    private static long[] withLast(Tensor x, long last) {
        long[] shape = x.shape();
        shape[shape.length - 1] = last;
        return shape;
    }

    private static final class RmsNormFunction extends CustomFunction {
        private final RmsNorm kernel = RmsNorm.FAMILY.fastest();
        private final float eps;

        RmsNormFunction(float eps) {
            this.eps = eps;
        }

        @Override
        protected Result forward(Tensor x, Tensor weight) {
            int width = (int) weight.elements();
            int rows = (int) (x.elements() / width);
            Tensor y = empty(x.shape());
            Tensor rstd = empty(rows);
            kernel.forward(x.memory(), weight.memory(), y.memory(), rstd.memory(), rows, width, eps);
            return new Result(y, rstd);
        }

        @Override
        protected Gradients backward(Tensor dy, Tensor x, Tensor weight, Tensor rstd) {
            int width = (int) weight.elements();
            Tensor dx = empty(x.shape());
            Tensor dWeight = empty(width);
            kernel.backward(dy.memory(), x.memory(), weight.memory(), rstd.memory(), dx.memory(), dWeight.memory(),
                    (int) (x.elements() / width), width);
            return new Gradients(dx, dWeight);
        }
    }

    private static final class SwiGluFunction extends CustomFunction {
        private final SwiGlu kernel = SwiGlu.FAMILY.fastest();

        @Override
        protected Result forward(Tensor gateUp, Tensor same) {
            int hidden = (int) gateUp.size(-1) / 2;
            Tensor y = empty(withLast(gateUp, hidden));
            kernel.forward(gateUp.memory(), y.memory(), (int) (y.elements() / hidden), hidden);
            return new Result(y, y.share());
        }

        @Override
        protected Gradients backward(Tensor dy, Tensor gateUp, Tensor same, Tensor saved) {
            int hidden = (int) dy.size(-1);
            Tensor dGateUp = empty(gateUp.shape());
            kernel.backward(dy.memory(), gateUp.memory(), dGateUp.memory(), (int) (dy.elements() / hidden), hidden);
            return new Gradients(dGateUp, null);
        }
    }

    private static final class ActivationFunction extends CustomFunction {
        private final Activation kernel;

        ActivationFunction(Activation kernel) {
            this.kernel = kernel;
        }

        @Override
        protected Result forward(Tensor x, Tensor same) {
            Tensor y = empty(x.shape());
            kernel.forward(x.memory(), y.memory(), x.elements());
            return new Result(y, x.share());
        }

        @Override
        protected Gradients backward(Tensor dy, Tensor x, Tensor same, Tensor saved) {
            Tensor dx = empty(x.shape());
            kernel.backward(dy.memory(), x.memory(), dx.memory(), x.elements());
            return new Gradients(dx, null);
        }
    }

    /**
     * Rotation and attention of packed rows. The rotation is done in the rows themselves: their linear layer's backward
     * pass does not need what it gave, and so nothing is kept twice.
     */
    private static final class AttentionFunction extends CustomFunction {
        private final ModelConfig config;
        private final Attention kernel = Attention.FAMILY.fastest();
        private final Rotary rotary = Rotary.FAMILY.fastest();
        private final RotaryTable table;

        AttentionFunction(ModelConfig config) {
            this.config = config;
            this.table = config.rotary() ? new RotaryTable(config.contextLength(), config.headSize(), config.ropeTheta(),
                    config.positions() == ModelConfig.Positions.ROPE_HALF ? RotaryTable.Pairing.HALF_SPLIT
                            : RotaryTable.Pairing.INTERLEAVED) : null;
        }

        private AttentionShape shape(Tensor qkv) {
            return new AttentionShape((int) qkv.size(0), (int) qkv.size(1), config.heads(), config.kvHeads(),
                    config.headSize(), true);
        }

        private void rotate(Tensor rows, boolean inverse) {
            if (table != null) {
                int time = (int) rows.size(1);
                rotary.rotate(table, rows.memory(), rows.memory(), (int) rows.size(0) * time, time,
                        config.heads() + config.kvHeads(), config.heads() + 2 * config.kvHeads(), inverse);
            }
        }

        @Override
        protected Result forward(Tensor qkv, Tensor same) {
            AttentionShape shape = shape(qkv);
            rotate(qkv, false);
            long[] outShape = withLast(qkv, config.dim());
            long elements = qkv.size(0) * qkv.size(1) * config.dim();
            Tensor saved = empty(elements + qkv.size(0) * qkv.size(1) * config.heads());
            Tensor out = saved.view(0, outShape);
            kernel.forward(shape, qkv.memory(), out.memory(), logSums(saved, elements));
            return new Result(out, saved);
        }

        @Override
        protected Gradients backward(Tensor dOut, Tensor qkv, Tensor same, Tensor saved) {
            AttentionShape shape = shape(qkv);
            Tensor dQkv = empty(qkv.shape());
            long elements = dOut.elements();
            kernel.backward(shape, dOut.memory(), qkv.memory(), saved.memory().asSlice(0, elements * Float.BYTES),
                    logSums(saved, elements), dQkv.memory());
            rotate(dQkv, true);
            return new Gradients(dQkv, null);
        }

        /** The log-sum-exp of each row lies behind the output. */
        private static MemorySegment logSums(Tensor saved, long elements) {
            return saved.memory().asSlice(elements * Float.BYTES);
        }
    }
}
