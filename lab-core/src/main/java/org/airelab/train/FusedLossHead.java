package org.airelab.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.training.ParameterStore;
import org.airelab.nn.OutputHead;
import org.airelab.torch.Aten;
import org.airelab.torch.Autograd;
import org.airelab.torch.DeviceKernels;
import org.airelab.torch.NativeArrays;
import org.airelab.torch.ScalarType;
import org.airelab.torch.Tensor;

/**
 * The loss with the logits never in memory as a whole: for some rows at a time the product, a cross-entropy that may
 * overwrite the logits with their gradient, and the two products back. Logits and gradients have the layers' type, the
 * losses float32.
 */
final class FusedLossHead implements LossHead {
    /** Logits of a portion: few enough to stay in a shared cache, enough for a product to run at full speed. */
    static final long CPU_PORTION = 1L << 21;
    /** Rows of a portion come in whole tiles of a GPU's products. */
    private static final long TILE = 128;

    private final OutputHead head;
    private final ParameterStore parameters;
    private final RowLoss rowLoss;
    private final MeanLoss means;

    /**
     * @param manager owns the running mean; its device is the model's
     * @param kernels of that device
     */
    FusedLossHead(NDManager manager, OutputHead head, ParameterStore parameters, DeviceKernels kernels) {
        this(manager, head, parameters, new KernelRowLoss(kernels));
    }

    /** The same by any cross-entropy. */
    FusedLossHead(NDManager manager, OutputHead head, ParameterStore parameters, RowLoss rowLoss) {
        this.head = head;
        this.parameters = parameters;
        this.rowLoss = rowLoss;
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
        Tensor dHidden = Tensor.empty(NativeArrays.type(hidden), NativeArrays.device(hidden),
                hidden.getShape().getShape());
        NDArray result = dHidden.share().attach(scope);
        try (dHidden; Tensor losses = losses(targets)) {
            forPortions(hidden, targets, portion -> {
                NDArray dLogits = rowLoss.forwardBackward(portion.logits, portion.targets, portion.of(losses),
                        scale / Math.max(1, targets.counted()));
                try (Tensor target = dHidden.view(portion.from * portion.dim, portion.rows, portion.dim)) {
                    Aten.matmulInto(target, dLogits, portion.weight);
                }
                Aten.addMatmul(dWeight, Aten.transpose(portion.scope, dLogits, 0, 1), portion.hidden);
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
    private record Portion(NDManager scope, NDArray hidden, NDArray logits, NDArray weight, NDArray targets, long from,
            int rows, int dim) {
        /** The part of all rows' losses that is these rows'. */
        NDArray of(Tensor losses) {
            return losses.view(from, rows).attach(scope);
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
            // The same on all ranks of a divided head.
            boolean gpu = NativeArrays.device(hidden).isGpu();
            long most = portion(rows, head.mostLogits(), gpu ? rowLoss.mostOnGpu() : CPU_PORTION, gpu);
            try (Tensor buffer = Tensor.empty(type, NativeArrays.device(hidden), most, vocab)) {
                for (long from = 0; from < rows; from += most) {
                    int n = (int) Math.min(most, rows - from);
                    try (NDManager scope = outer.newSubManager(); Tensor logits = buffer.view(0, n, vocab)) {
                        NDArray part = NativeArrays.view(hidden, from * dim, n, dim).attach(scope);
                        Aten.matmulInto(logits, part, Aten.transpose(scope, weight, 0, 1));
                        task.run(new Portion(scope, part, logits.share().attach(scope), weight,
                                NativeArrays.view(targets.ids(), from, n).attach(scope), from, n, dim));
                    }
                }
            }
        }
    }

    /** Rows of a portion of at most so many logits. */
    static long portion(long rows, int vocab, long logits, boolean gpu) {
        long most = Math.max(1, logits / vocab);
        return Math.min(rows, gpu && most > TILE ? most / TILE * TILE : most);
    }

    @Override
    public double takeLoss() {
        return means.take();
    }

    @Override
    public double evaluate(NDArray x, Targets targets) {
        NDArray hidden = head.hidden(parameters, x, false);
        try (Tensor losses = losses(targets)) {
            forPortions(hidden, targets,
                    portion -> rowLoss.forward(portion.logits, portion.targets, portion.of(losses)));
            return sum(x.getManager(), losses).getDouble();
        }
    }
}
