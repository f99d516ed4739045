package org.airelab.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.ParameterStore;
import org.airelab.nn.OutputHead;
import org.airelab.torch.Aten;
import org.airelab.torch.Autograd;
import org.airelab.torch.NativeArrays;
import org.airelab.torch.ScalarType;

/**
 * The loss by plain operators: any device, any precision. The logits are computed in the layers' type, what comes after
 * in float32 at least.
 */
final class TorchLossHead implements LossHead {
    private final OutputHead head;
    private final ParameterStore parameters;
    private final NDArray sum;
    private int calls;

    /** {@code manager} owns the running sum, which stays on the device so that a step need not wait for it. */
    TorchLossHead(NDManager manager, OutputHead head, ParameterStore parameters) {
        this.head = head;
        this.parameters = parameters;
        this.sum = manager.zeros(new Shape(), DataType.FLOAT64);
    }

    @Override
    public NDArray forwardBackward(NDArray x, NDArray targets, double scale) {
        NDManager scope = x.getManager();
        try (Autograd.Mode recording = Autograd.recording()) {
            NDArray loss = Aten.crossEntropy(scope, logits(x, true), targets);
            // In place, so that the gradient has the loss's type.
            Autograd.backward(loss, loss.onesLike().muli(Aten.number(scope, scale)));
            try (Autograd.Mode off = Autograd.notRecording()) {
                sum.addi(Aten.to(scope, loss, ScalarType.FLOAT64));
            }
        }
        calls++;
        return Autograd.gradient(scope, x);
    }

    /** Rows of logits [n, vocabulary], wide. */
    private NDArray logits(NDArray x, boolean training) {
        NDArray logits = head.forward(parameters, x, training);
        NDArray rows = logits.reshape(-1, logits.getShape().tail());
        boolean narrow = NativeArrays.type(rows) != ScalarType.FLOAT64;
        return narrow ? NativeArrays.convert(x.getManager(), rows, ScalarType.FLOAT32) : rows;
    }

    @Override
    public double takeLoss() {
        double mean = sum.getDouble() / calls;
        Aten.zero(sum);
        calls = 0;
        return mean;
    }

    @Override
    public double evaluate(NDArray x, NDArray targets) {
        NDArray sum = Aten.crossEntropySum(x.getManager(), logits(x, false), targets);
        return Aten.to(x.getManager(), sum, ScalarType.FLOAT64).getDouble();
    }
}
