package org.airelab.nn;

import org.airelab.kernels.activation.SwiGlu;
import org.airelab.torch.CustomFunction;
import org.airelab.torch.DeviceKernels;
import org.airelab.torch.Tensor;

/** {@link SwiGlu} of packed rows [..., 2 hidden]; the second argument is the first once more. */
final class SwiGluFunction extends CustomFunction {
    private final DeviceKernels kernels;

    SwiGluFunction(DeviceKernels kernels) {
        this.kernels = kernels;
    }

    @Override
    protected Result forward(Made made, Tensor gateUp, Tensor same) {
        int hidden = (int) gateUp.size(gateUp.shape().length - 1) / 2;
        Tensor y = made.like(gateUp, FusedOps.withLast(gateUp, hidden));
        kernels.of(SwiGlu.FAMILY, gateUp.type()).forward(gateUp.kernelMemory(), y.kernelMemory(),
                (int) (y.elements() / hidden), hidden);
        return new Result(y, y.share());
    }

    @Override
    protected Gradients backward(Made made, Tensor dy, Tensor gateUp, Tensor same, Tensor saved) {
        int hidden = (int) dy.size(dy.shape().length - 1);
        Tensor dGateUp = made.like(gateUp, gateUp.shape());
        kernels.of(SwiGlu.FAMILY, gateUp.type()).backward(dy.kernelMemory(), gateUp.kernelMemory(),
                dGateUp.kernelMemory(), (int) (dy.elements() / hidden), hidden);
        return new Gradients(dGateUp, null);
    }
}
