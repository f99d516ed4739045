package org.airelab.train;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.training.ParameterStore;
import java.lang.foreign.MemorySegment;
import org.airelab.kernels.loss.CrossEntropy;
import org.airelab.nn.OutputHead;
import org.airelab.torch.Aten;
import org.airelab.torch.Autograd;
import org.airelab.torch.NativeArrays;
import org.airelab.torch.ScalarType;
import org.airelab.torch.Tensor;

/**
 * The loss on the CPU in float32 with the logits never in memory as a whole: for some rows at a time the product, a
 * cross-entropy that overwrites the logits with their gradient, and the two products back.
 */
final class FusedLossHead implements LossHead {
    /** Logits of a portion: few enough to stay in a shared cache, enough for a product to run at full speed. */
    private static final long PORTION = 1 << 21;

    private final OutputHead head;
    private final ParameterStore parameters;
    private final CrossEntropy kernel = CrossEntropy.FAMILY.fastest();
    private double sum;
    private int calls;

    FusedLossHead(OutputHead head, ParameterStore parameters) {
        this.head = head;
        this.parameters = parameters;
    }

    @Override
    public NDArray forwardBackward(NDArray x, NDArray targets, double scale) {
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

    private NDArray lossAndGradient(NDManager scope, NDArray hidden, NDArray targets, double scale) {
        NDArray weight = parameters.getValue(head.weight(), hidden.getDevice(), true);
        NDArray dWeight = Autograd.gradient(scope, weight);
        Tensor dHidden = Tensor.empty(ScalarType.FLOAT32, Device.cpu(), hidden.getShape().getShape());
        NDArray result = dHidden.share().attach(scope);
        long counted = CrossEntropy.counted(NativeArrays.memory(targets), (int) targets.size(), Aten.IGNORED);
        double total;
        try (dHidden; Tensor losses = Tensor.empty(ScalarType.FLOAT32, Device.cpu(), targets.size())) {
            forPortions(hidden, targets, weight, portion -> {
                kernel.forwardBackward(portion.logits.memory(), NativeArrays.memory(portion.targets),
                        portion.of(losses), portion.rows, portion.vocab, Aten.IGNORED, (float) (scale / counted));
                NDArray logits = portion.logits.share().attach(portion.scope);
                try (Tensor target = dHidden.view(portion.from * portion.dim, portion.rows, portion.dim)) {
                    Aten.matmulInto(target, logits, weight);
                }
                Aten.addMatmul(dWeight, Aten.transpose(portion.scope, logits, 0, 1), portion.hidden);
            });
            total = CrossEntropy.sum(losses.memory());
        }
        sum += total / counted;
        calls++;
        return result;
    }

    /** Some rows of the head's input with their logits. */
    private record Portion(NDManager scope, NDArray hidden, Tensor logits, NDArray targets, long from, int rows,
            int dim, int vocab) {
        /** The part of all rows' losses that is these rows'. */
        MemorySegment of(Tensor losses) {
            return losses.memory().asSlice(from * Float.BYTES, (long) rows * Float.BYTES);
        }
    }

    @FunctionalInterface
    private interface PortionTask {
        void run(Portion portion);
    }

    private static void forPortions(NDArray hidden, NDArray targets, NDArray weight, PortionTask task) {
        int vocab = (int) weight.getShape().get(0);
        int dim = (int) weight.getShape().get(1);
        long rows = targets.size();
        long most = Math.max(1, Math.min(rows, PORTION / vocab));
        try (Tensor buffer = Tensor.empty(ScalarType.FLOAT32, Device.cpu(), most, vocab)) {
            for (long from = 0; from < rows; from += most) {
                int n = (int) Math.min(most, rows - from);
                try (NDManager scope = hidden.getManager().newSubManager(); Tensor logits = buffer.view(0, n, vocab)) {
                    NDArray part = NativeArrays.view(hidden, from * dim, n, dim).attach(scope);
                    Aten.matmulInto(logits, part, Aten.transpose(scope, weight, 0, 1));
                    task.run(new Portion(scope, part, logits, NativeArrays.view(targets, from, n).attach(scope), from,
                            n, dim, vocab));
                }
            }
        }
    }

    @Override
    public double takeLoss() {
        double mean = sum / calls;
        sum = 0;
        calls = 0;
        return mean;
    }

    @Override
    public double evaluate(NDArray x, NDArray targets) {
        NDArray hidden = head.hidden(parameters, x, false);
        NDArray weight = parameters.getValue(head.weight(), hidden.getDevice(), false);
        try (Tensor losses = Tensor.empty(ScalarType.FLOAT32, Device.cpu(), targets.size())) {
            forPortions(hidden, targets, weight, portion -> kernel.forward(portion.logits.memory(),
                    NativeArrays.memory(portion.targets), portion.of(losses), portion.rows, portion.vocab,
                    Aten.IGNORED));
            return CrossEntropy.sum(losses.memory());
        }
    }
}
