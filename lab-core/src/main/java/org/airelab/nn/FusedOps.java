package org.airelab.nn;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.airelab.kernels.activation.Activation;
import org.airelab.kernels.activation.SwiGlu;
import org.airelab.kernels.attention.Attention;
import org.airelab.kernels.attention.AttentionShape;
import org.airelab.kernels.cpu.Parallel;
import org.airelab.kernels.norm.LayerNorm;
import org.airelab.kernels.norm.RmsNorm;
import org.airelab.kernels.rotary.Rotary;
import org.airelab.kernels.rotary.RotaryTable;
import org.airelab.torch.CustomFunction;
import org.airelab.torch.Tensor;

/**
 * A decoder layer's operations by the lab's CPU kernels, in float32. Attention with dropout has none and goes to plain
 * operators. Close it when the model is no longer computed.
 */
public final class FusedOps implements LayerOps, AutoCloseable {
    private final TorchOps plain;
    private final CustomFunction rmsNorm;
    private final CustomFunction layerNorm;
    private final CustomFunction attention;
    private final CustomFunction swiGlu = new SwiGluFunction();
    private final CustomFunction gelu = new ActivationFunction(Activation.GELU_TANH.fastest());
    private final CustomFunction relu = new ActivationFunction(Activation.RELU.fastest());

    /** {@code plain} computes what the kernels do not: attention with dropout. */
    public FusedOps(ModelConfig config, TorchOps plain) {
        // libtorch is loaded by now: the kernels then share its threads.
        Parallel.findOpenMp();
        this.plain = plain;
        this.rmsNorm = new RmsNormFunction((float) config.normEps());
        this.layerNorm = new LayerNormFunction((float) config.normEps());
        this.attention = new AttentionFunction(config);
    }

    /** Whether all operations of the configuration's layers have a kernel. */
    public static boolean complete(ModelConfig config) {
        return config.dropout() == 0;
    }

    @Override
    public void close() {
        List.of(rmsNorm, layerNorm, attention, swiGlu, gelu, relu).forEach(CustomFunction::close);
    }

    @Override
    public NDArray rmsNorm(NDArray x, NDArray weight, double eps) {
        return rmsNorm.apply(x.getManager(), x, weight);
    }

    @Override
    public NDArray layerNorm(NDArray x, NDArray weight, NDArray bias, double eps) {
        NDManager scope = x.getManager();
        NDArray both = NDArrays.stack(new NDList(weight, bias));
        both.attach(scope);
        return layerNorm.apply(scope, x, both);
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
        protected Result forward(Made made, Tensor x, Tensor weight) {
            int width = (int) weight.elements();
            int rows = (int) (x.elements() / width);
            Tensor y = made.floats(x.shape());
            Tensor rstd = made.floats(rows);
            kernel.forward(x.memory(), weight.memory(), y.memory(), rstd.memory(), rows, width, eps);
            return new Result(y, rstd);
        }

        @Override
        protected Gradients backward(Made made, Tensor dy, Tensor x, Tensor weight, Tensor rstd) {
            int width = (int) weight.elements();
            Tensor dx = made.floats(x.shape());
            Tensor dWeight = made.floats(width);
            kernel.backward(dy.memory(), x.memory(), weight.memory(), rstd.memory(), dx.memory(), dWeight.memory(),
                    (int) (x.elements() / width), width);
            return new Gradients(dx, dWeight);
        }
    }

    /** Its second argument is [2, width]: the weight, then the bias. It keeps [2, rows]: the mean, then 1/std. */
    private static final class LayerNormFunction extends CustomFunction {
        private final LayerNorm kernel = LayerNorm.FAMILY.fastest();
        private final float eps;

        LayerNormFunction(float eps) {
            this.eps = eps;
        }

        /** Row {@code i} of a matrix of two rows. */
        private static MemorySegment row(Tensor matrix, int i) {
            MemorySegment all = matrix.memory();
            return all.asSlice(i * all.byteSize() / 2, all.byteSize() / 2);
        }

        @Override
        protected Result forward(Made made, Tensor x, Tensor both) {
            int width = (int) both.size(1);
            int rows = (int) (x.elements() / width);
            Tensor y = made.floats(x.shape());
            Tensor saved = made.floats(2, rows);
            kernel.forward(x.memory(), row(both, 0), row(both, 1), y.memory(), row(saved, 0), row(saved, 1), rows,
                    width, eps);
            return new Result(y, saved);
        }

        @Override
        protected Gradients backward(Made made, Tensor dy, Tensor x, Tensor both, Tensor saved) {
            int width = (int) both.size(1);
            Tensor dx = made.floats(x.shape());
            Tensor dBoth = made.floats(2, width);
            kernel.backward(dy.memory(), x.memory(), row(both, 0), row(saved, 0), row(saved, 1), dx.memory(),
                    row(dBoth, 0), row(dBoth, 1), (int) (x.elements() / width), width);
            return new Gradients(dx, dBoth);
        }
    }

    private static final class SwiGluFunction extends CustomFunction {
        private final SwiGlu kernel = SwiGlu.FAMILY.fastest();

        @Override
        protected Result forward(Made made, Tensor gateUp, Tensor same) {
            int hidden = (int) gateUp.size(-1) / 2;
            Tensor y = made.floats(withLast(gateUp, hidden));
            kernel.forward(gateUp.memory(), y.memory(), (int) (y.elements() / hidden), hidden);
            return new Result(y, y.share());
        }

        @Override
        protected Gradients backward(Made made, Tensor dy, Tensor gateUp, Tensor same, Tensor saved) {
            int hidden = (int) dy.size(-1);
            Tensor dGateUp = made.floats(gateUp.shape());
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
        protected Result forward(Made made, Tensor x, Tensor same) {
            Tensor y = made.floats(x.shape());
            kernel.forward(x.memory(), y.memory(), x.elements());
            return new Result(y, x.share());
        }

        @Override
        protected Gradients backward(Made made, Tensor dy, Tensor x, Tensor same, Tensor saved) {
            Tensor dx = made.floats(x.shape());
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
        protected Result forward(Made made, Tensor qkv, Tensor same) {
            AttentionShape shape = shape(qkv);
            rotate(qkv, false);
            long[] outShape = withLast(qkv, config.dim());
            long elements = qkv.size(0) * qkv.size(1) * config.dim();
            Tensor saved = made.floats(elements + qkv.size(0) * qkv.size(1) * config.heads());
            Tensor out = made.add(saved.view(0, outShape));
            kernel.forward(shape, qkv.memory(), out.memory(), logSums(saved, elements));
            return new Result(out, saved);
        }

        @Override
        protected Gradients backward(Made made, Tensor dOut, Tensor qkv, Tensor same, Tensor saved) {
            AttentionShape shape = shape(qkv);
            Tensor dQkv = made.floats(qkv.shape());
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
