package org.airelab.nn;

import java.lang.foreign.MemorySegment;
import org.airelab.kernels.norm.LayerNorm;
import org.airelab.torch.CustomFunction;
import org.airelab.torch.DeviceKernels;
import org.airelab.torch.Tensor;

/**
 * {@link LayerNorm} of x [..., width]. Its second argument is [2, width]: the weight, then the bias. It keeps
 * [2, rows]: the mean, then 1/std.
 */
final class LayerNormFunction extends CustomFunction {
    private final DeviceKernels kernels;
    private final float eps;

    LayerNormFunction(DeviceKernels kernels, float eps) {
        this.kernels = kernels;
        this.eps = eps;
    }

    /** Row {@code i} of a matrix of two rows. */
    private static MemorySegment row(Tensor matrix, int i) {
        MemorySegment all = matrix.kernelMemory();
        return all.asSlice(i * all.byteSize() / 2, all.byteSize() / 2);
    }

    @Override
    protected Result forward(Made made, Tensor x, Tensor both) {
        int width = (int) both.size(1);
        int rows = (int) (x.elements() / width);
        Tensor y = made.like(x, x.shape());
        Tensor saved = made.floatsBeside(x, 2, rows);
        kernels.of(LayerNorm.FAMILY, x.type()).forward(x.kernelMemory(), row(both, 0), row(both, 1), y.kernelMemory(),
                row(saved, 0), row(saved, 1), rows, width, eps);
        return new Result(y, saved);
    }

    @Override
    protected Gradients backward(Made made, Tensor dy, Tensor x, Tensor both, Tensor saved) {
        int width = (int) both.size(1);
        Tensor dx = made.like(x, x.shape());
        Tensor dBoth = made.like(x, 2, width);
        kernels.of(LayerNorm.FAMILY, x.type()).backward(dy.kernelMemory(), x.kernelMemory(), row(both, 0),
                row(saved, 0), row(saved, 1), dx.kernelMemory(), row(dBoth, 0), row(dBoth, 1),
                (int) (x.elements() / width), width);
        return new Gradients(dx, dBoth);
    }
}
