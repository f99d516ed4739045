package org.airelab.nn;

import org.airelab.kernels.norm.RmsNorm;
import org.airelab.torch.DeviceKernels;
import org.airelab.torch.PairFunction;
import org.airelab.torch.Tensor;

/**
 * {@link RmsNorm} of x + y, or of x alone, [..., width] with a weight [width]: the norm, and the sum, in y's memory. It
 * keeps each row's 1/rms.
 */
final class RmsNormOfSumFunction extends PairFunction {
    private final DeviceKernels kernels;
    private final float eps;

    RmsNormOfSumFunction(DeviceKernels kernels, float eps) {
        this.kernels = kernels;
        this.eps = eps;
    }

    @Override
    protected Results forward(Made made, Tensor x, Tensor y, Tensor weight, Tensor bias) {
        int width = (int) weight.elements();
        int rows = (int) (x.elements() / width);
        Tensor sum = made.add((y == null ? x : y).view(0, x.shape()));
        Tensor normed = made.like(x, x.shape());
        Tensor rstd = made.floatsBeside(x, rows);
        RmsNorm norm = kernels.of(RmsNorm.FAMILY, x.type());
        if (y == null) {
            norm.forward(x.kernelMemory(), weight.kernelMemory(), normed.kernelMemory(), rstd.kernelMemory(), rows,
                    width, eps);
        } else {
            norm.forwardOfSum(x.kernelMemory(), y.kernelMemory(), sum.kernelMemory(), weight.kernelMemory(),
                    normed.kernelMemory(), rstd.kernelMemory(), rows, width, eps);
        }
        return new Results(normed, sum, rstd);
    }

    @Override
    protected Gradients backward(Made made, Tensor dNormed, Tensor dSum, Tensor weight, Tensor sum, Tensor rstd,
            boolean biased) {
        int width = (int) weight.elements();
        Tensor dx = made.like(sum, sum.shape());
        Tensor dWeight = made.like(sum, width);
        kernels.of(RmsNorm.FAMILY, sum.type()).backwardOfSum(dNormed.kernelMemory(), dSum.kernelMemory(),
                sum.kernelMemory(), weight.kernelMemory(), rstd.kernelMemory(), dx.kernelMemory(),
                dWeight.kernelMemory(), (int) (sum.elements() / width), width);
        return new Gradients(dx, dWeight, null);
    }
}
