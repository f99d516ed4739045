package org.airelab.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
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
    private final MeanLoss losses;

    /** {@code manager} owns the running sum, which stays on the device so that a step need not wait for it. */
    TorchLossHead(NDManager manager, OutputHead head, ParameterStore parameters) {
        this.head = head;
        this.parameters = parameters;
        this.losses = new MeanLoss(manager);
    }

    @Override
    public NDArray forwardBackward(NDArray x, Targets targets, double scale) {
        NDManager scope = x.getManager();
        try (Autograd.Mode recording = Autograd.recording()) {
            NDArray loss = Aten.crossEntropy(scope, logits(x, true), targets.ids());
            // In place, so that the gradient has the loss's type.
            Autograd.backward(loss, loss.onesLike().muli(Aten.number(scope, scale)));
            try (Autograd.Mode off = Autograd.notRecording()) {
                losses.add(scope, loss);
            }
        }
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
        return losses.take();
    }

    @Override
    public double evaluate(NDArray x, Targets targets) {
        NDArray sum = Aten.crossEntropySum(x.getManager(), logits(x, false), targets.ids());
        return Aten.to(x.getManager(), sum, ScalarType.FLOAT64).getDouble();
    }
}
