package org.airelab.nn;

import org.airelab.kernels.Family;
import org.airelab.kernels.activation.Activation;
import org.airelab.torch.CustomFunction;
import org.airelab.torch.DeviceKernels;
import org.airelab.torch.Tensor;

/** An {@link Activation} of each element; the second argument is the first once more. */
final class ActivationFunction extends CustomFunction {
    private final DeviceKernels kernels;
    private final Family<Activation> family;

    ActivationFunction(DeviceKernels kernels, Family<Activation> family) {
        this.kernels = kernels;
        this.family = family;
    }

    @Override
    protected Result forward(Made made, Tensor x, Tensor same) {
        Tensor y = made.like(x, x.shape());
        kernels.of(family, x.type()).forward(x.kernelMemory(), y.kernelMemory(), x.elements());
        return new Result(y, x.share());
    }

    @Override
    protected Gradients backward(Made made, Tensor dy, Tensor x, Tensor same, Tensor saved) {
        Tensor dx = made.like(x, x.shape());
        kernels.of(family, x.type()).backward(dy.kernelMemory(), x.kernelMemory(), dx.kernelMemory(), x.elements());
        return new Gradients(dx, null);
    }
}
