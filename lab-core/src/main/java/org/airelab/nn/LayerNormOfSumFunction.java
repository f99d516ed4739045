package org.airelab.nn;

import java.lang.foreign.MemorySegment;
import org.airelab.kernels.norm.LayerNorm;
import org.airelab.torch.DeviceKernels;
import org.airelab.torch.PairFunction;
import org.airelab.torch.Tensor;

/**
 * {@link LayerNorm} of x + y, or of x alone, [..., width] with a weight and a bias [width]: the norm, and the sum, in
 * y's memory. It keeps [2, rows]: each row's mean, then 1/std.
 */
final class LayerNormOfSumFunction extends PairFunction {
    private final DeviceKernels kernels;
    private final float eps;

    LayerNormOfSumFunction(DeviceKernels kernels, float eps) {
        this.kernels = kernels;
        this.eps = eps;
    }

    private static MemorySegment means(Tensor saved) {
        return saved.kernelMemory().asSlice(0, Float.BYTES * saved.elements() / 2);
    }

    private static MemorySegment rstds(Tensor saved) {
        return saved.kernelMemory().asSlice(Float.BYTES * saved.elements() / 2);
    }

    @Override
    protected Results forward(Made made, Tensor x, Tensor y, Tensor weight, Tensor bias) {
        int width = (int) weight.elements();
        int rows = (int) (x.elements() / width);
        Tensor sum = made.add((y == null ? x : y).view(0, x.shape()));
        Tensor normed = made.like(x, x.shape());
        Tensor saved = made.floatsBeside(x, 2L * rows);
        LayerNorm norm = kernels.of(LayerNorm.FAMILY, x.type());
        if (y == null) {
            norm.forward(x.kernelMemory(), weight.kernelMemory(), bias.kernelMemory(), normed.kernelMemory(),
                    means(saved), rstds(saved), rows, width, eps);
        } else {
            norm.forwardOfSum(x.kernelMemory(), y.kernelMemory(), sum.kernelMemory(), weight.kernelMemory(),
                    bias.kernelMemory(), normed.kernelMemory(), means(saved), rstds(saved), rows, width, eps);
        }
        return new Results(normed, sum, saved);
    }

    @Override
    protected Gradients backward(Made made, Tensor dNormed, Tensor dSum, Tensor weight, Tensor sum, Tensor saved,
            boolean biased) {
        int width = (int) weight.elements();
        Tensor dx = made.like(sum, sum.shape());
        Tensor dWeight = made.like(sum, width);
        Tensor dBias = made.like(sum, width);
        kernels.of(LayerNorm.FAMILY, sum.type()).backwardOfSum(dNormed.kernelMemory(), dSum.kernelMemory(),
                sum.kernelMemory(), weight.kernelMemory(), means(saved), rstds(saved), dx.kernelMemory(),
                dWeight.kernelMemory(), dBias.kernelMemory(), (int) (sum.elements() / width), width);
        return new Gradients(dx, dWeight, dBias);
    }
}
