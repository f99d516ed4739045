package org.airelab.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.training.ParameterStore;
import java.lang.foreign.MemorySegment;
import org.airelab.kernels.loss.CrossEntropy;
import org.airelab.nn.OutputHead;
import org.airelab.torch.Aten;
import org.airelab.torch.Autograd;
import org.airelab.torch.DeviceKernels;
import org.airelab.torch.NativeArrays;
import org.airelab.torch.ScalarType;
import org.airelab.torch.Tensor;

/**
 * The loss with the logits never in memory as a whole: for some rows at a time the product, a cross-entropy of the
 * lab's that overwrites the logits with their gradient, and the two products back. Logits and gradients have the
 * layers' type, the losses float32.
 */
final class FusedLossHead implements LossHead {
    /** Logits of a portion: few enough to stay in a shared cache, enough for a product to run at full speed. */
    private static final long CPU_PORTION = 1L << 21;
    /** On a GPU, whose products take more to run at full speed: half a gigabyte of a half type. */
    private static final long GPU_PORTION = 1L << 28;
    /** Rows of a portion come in whole tiles of a GPU's products. */
    private static final long TILE = 128;

    private final OutputHead head;
    private final ParameterStore parameters;
    private final DeviceKernels kernels;
    private final MeanLoss means;

    /**
     * @param manager owns the running mean; its device is the model's
     * @param kernels of that device
     */
    FusedLossHead(NDManager manager, OutputHead head, ParameterStore parameters, DeviceKernels kernels) {
        this.head = head;
        this.parameters = parameters;
        this.kernels = kernels;
        this.means = new MeanLoss(manager);
    }

    @Override
    public NDArray forwardBackward(NDArray x, Targets targets, double scale) {
        NDManager scope = x.getManager();
        try (Autograd.Mode recording = Autograd.recording()) {
            NDArray hidden = head.hidden(parameters, x, true);
            NDArray dHidden;
            try (Autograd.Mode off = Autograd.notRecording()) {
                dHidden = lossAndGradient(scope, hidden, targets, scale);
            }
            Autograd.backward(hidden, dHidden);
        }
        return Autograd.gradient(scope, x);
    }

    private NDArray lossAndGradient(NDManager scope, NDArray hidden, Targets targets, double scale) {
        NDArray dWeight = Autograd.gradient(scope, parameters.getValue(head.weight(), hidden.getDevice(), true));
        CrossEntropy kernel = kernels.of(CrossEntropy.FAMILY, NativeArrays.type(hidden));
        Tensor dHidden = Tensor.empty(NativeArrays.type(hidden), NativeArrays.device(hidden),
                hidden.getShape().getShape());
        NDArray result = dHidden.share().attach(scope);
        try (dHidden; Tensor losses = losses(targets)) {
            forPortions(hidden, targets, portion -> {
                kernel.forwardBackward(portion.logits.kernelMemory(), NativeArrays.kernelMemory(portion.targets),
                        portion.of(losses), portion.rows, portion.vocab, Aten.IGNORED,
                        (float) (scale / targets.counted()));
                NDArray logits = portion.logits.share().attach(portion.scope);
                try (Tensor target = dHidden.view(portion.from * portion.dim, portion.rows, portion.dim)) {
                    Aten.matmulInto(target, logits, portion.weight);
                }
                Aten.addMatmul(dWeight, Aten.transpose(portion.scope, logits, 0, 1), portion.hidden);
            });
            means.add(scope, Aten.scale(scope, sum(scope, losses), 1.0 / targets.counted()));
        }
        return result;
    }

    private static Tensor losses(Targets targets) {
        return Tensor.empty(ScalarType.FLOAT32, NativeArrays.device(targets.ids()), targets.ids().size());
    }

    /** The sum of the losses in float64, on their device. */
    private static NDArray sum(NDManager scope, Tensor losses) {
        return Aten.sum(scope, Aten.to(scope, losses.share().attach(scope), ScalarType.FLOAT64));
    }

    /** Some rows of the head's input with their logits, and the output matrix in the logits' type. */
    private record Portion(NDManager scope, NDArray hidden, Tensor logits, NDArray weight, NDArray targets, long from,
            int rows, int dim, int vocab) {
        /** The part of all rows' losses that is these rows'. */
        MemorySegment of(Tensor losses) {
            return losses.kernelMemory().asSlice(from * Float.BYTES, (long) rows * Float.BYTES);
        }
    }

    @FunctionalInterface
    private interface PortionTask {
        void run(Portion portion);
    }

    private void forPortions(NDArray hidden, Targets targets, PortionTask task) {
        try (NDManager outer = hidden.getManager().newSubManager()) {
            ScalarType type = NativeArrays.type(hidden);
            NDArray weight = NativeArrays.convert(outer, parameters.getValue(head.weight(), hidden.getDevice(), false),
                    type);
            int vocab = (int) weight.getShape().get(0);
            int dim = (int) weight.getShape().get(1);
            long rows = targets.ids().size();
            long most = portion(rows, vocab, NativeArrays.device(hidden).isGpu());
            try (Tensor buffer = Tensor.empty(type, NativeArrays.device(hidden), most, vocab)) {
                for (long from = 0; from < rows; from += most) {
                    int n = (int) Math.min(most, rows - from);
                    try (NDManager scope = outer.newSubManager(); Tensor logits = buffer.view(0, n, vocab)) {
                        NDArray part = NativeArrays.view(hidden, from * dim, n, dim).attach(scope);
                        Aten.matmulInto(logits, part, Aten.transpose(scope, weight, 0, 1));
                        task.run(new Portion(scope, part, logits, weight,
                                NativeArrays.view(targets.ids(), from, n).attach(scope), from, n, dim, vocab));
                    }
                }
            }
        }
    }

    /** Rows of a portion. */
    static long portion(long rows, int vocab, boolean gpu) {
        long most = Math.max(1, (gpu ? GPU_PORTION : CPU_PORTION) / vocab);
        return Math.min(rows, gpu && most > TILE ? most / TILE * TILE : most);
    }

    @Override
    public double takeLoss() {
        return means.take();
    }

    @Override
    public double evaluate(NDArray x, Targets targets) {
        NDArray hidden = head.hidden(parameters, x, false);
        CrossEntropy kernel = kernels.of(CrossEntropy.FAMILY, NativeArrays.type(hidden));
        try (Tensor losses = losses(targets)) {
            forPortions(hidden, targets, portion -> kernel.forward(portion.logits.kernelMemory(),
                    NativeArrays.kernelMemory(portion.targets), portion.of(losses), portion.rows, portion.vocab,
                    Aten.IGNORED));
            return sum(x.getManager(), losses).getDouble();
        }
    }
}
