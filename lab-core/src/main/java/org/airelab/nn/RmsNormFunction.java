package org.airelab.nn;

import org.airelab.kernels.norm.RmsNorm;
import org.airelab.torch.CustomFunction;
import org.airelab.torch.DeviceKernels;
import org.airelab.torch.Tensor;

/** {@link RmsNorm} of x [..., width] with a weight [width]. It keeps each row's 1/rms. */
final class RmsNormFunction extends CustomFunction {
    private final DeviceKernels kernels;
    private final float eps;

    RmsNormFunction(DeviceKernels kernels, float eps) {
        this.kernels = kernels;
        this.eps = eps;
    }

    @Override
    protected Result forward(Made made, Tensor x, Tensor weight) {
        int width = (int) weight.elements();
        int rows = (int) (x.elements() / width);
        Tensor y = made.like(x, x.shape());
        Tensor rstd = made.floatsBeside(x, rows);
        kernels.of(RmsNorm.FAMILY, x.type()).forward(x.kernelMemory(), weight.kernelMemory(), y.kernelMemory(),
                rstd.kernelMemory(), rows, width, eps);
        return new Result(y, rstd);
    }

    @Override
    protected Gradients backward(Made made, Tensor dy, Tensor x, Tensor weight, Tensor rstd) {
        int width = (int) weight.elements();
        Tensor dx = made.like(x, x.shape());
        Tensor dWeight = made.like(x, width);
        kernels.of(RmsNorm.FAMILY, x.type()).backward(dy.kernelMemory(), x.kernelMemory(), weight.kernelMemory(),
                rstd.kernelMemory(), dx.kernelMemory(), dWeight.kernelMemory(), (int) (x.elements() / width), width);
        return new Gradients(dx, dWeight);
    }
}
