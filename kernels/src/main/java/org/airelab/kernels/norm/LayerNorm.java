package org.airelab.kernels.norm;

import java.lang.foreign.MemorySegment;
import java.util.List;
import org.airelab.kernels.Family;
import org.airelab.kernels.Rung;
import org.airelab.kernels.cpu.Cores;
import org.airelab.kernels.cpu.Sums;
import org.airelab.kernels.cuda.RowSharing;

/**
 * Layer normalization of rows: y = (x - mean) * r * weight + bias with r = 1 / sqrt(variance + eps), the variance
 * divided by the width.
 *
 * <p>Ba, Kiros and Hinton, "Layer Normalization", 2016, equation 4. Segments are row-major, float32 or of the rung's
 * element type, mean and rstd always float32. Sizes that do not fit are an {@link IllegalArgumentException}. {@code y}
 * may be {@code x}, and {@code dx} may be {@code dy}. The order of sums depends on the shape alone.
 */
public interface LayerNorm extends Rung {
    Family<LayerNorm> FAMILY = new Family<>("layer-norm", new ReferenceLayerNorm(),
            List.of(new ScalarLayerNorm(), new VectorLayerNorm(Cores.ONE), new VectorLayerNorm(Cores.ALL)),
            RowSharing.ladder(CudaLayerNorm::new));

    /**
     * @param x      [rows, width]
     * @param weight [width]
     * @param bias   [width], or null for none
     * @param y      [rows, width], written
     * @param mean   [rows], written
     * @param rstd   [rows], written: r of each row
     * @param eps    added to the variance
     */
    void forward(MemorySegment x, MemorySegment weight, MemorySegment bias, MemorySegment y,
            MemorySegment mean, MemorySegment rstd, int rows, int width, float eps);

    /**
     * @param dy      [rows, width], gradient with respect to y
     * @param x       [rows, width], as given to the forward pass
     * @param weight  [width]
     * @param mean    [rows], as written by the forward pass
     * @param rstd    [rows], as written by the forward pass
     * @param dx      [rows, width], overwritten
     * @param dWeight [width], overwritten
     * @param dBias   [width], overwritten, or null where there is no bias
     */
    void backward(MemorySegment dy, MemorySegment x, MemorySegment weight, MemorySegment mean, MemorySegment rstd,
            MemorySegment dx, MemorySegment dWeight, MemorySegment dBias, int rows, int width);

    /**
     * {@link #forward} of a sum of two matrices, rounded to the element type.
     *
     * @param x     [rows, width]
     * @param added [rows, width]
     * @param sum   [rows, width], written; may be {@code x} or {@code added}
     * @param y     [rows, width], written; none of the others
     */
    default void forwardOfSum(MemorySegment x, MemorySegment added, MemorySegment sum, MemorySegment weight,
            MemorySegment bias, MemorySegment y, MemorySegment mean, MemorySegment rstd, int rows, int width,
            float eps) {
        NormArguments.checkShape(rows, width);
        Sums.add(cores(), x, added, sum, (long) rows * width);
        forward(sum, weight, bias, y, mean, rstd, rows, width, eps);
    }

    /**
     * {@link #backward} to what is used beside its norm, such as a sum.
     *
     * @param dSum [rows, width], the gradient with respect to x as it is used elsewhere
     * @param x    [rows, width]: the sum, as written by the forward pass
     * @param dx   [rows, width], overwritten with the sum of both gradients; none of the others
     */
    default void backwardOfSum(MemorySegment dy, MemorySegment dSum, MemorySegment x, MemorySegment weight,
            MemorySegment mean, MemorySegment rstd, MemorySegment dx, MemorySegment dWeight, MemorySegment dBias,
            int rows, int width) {
        backward(dy, x, weight, mean, rstd, dx, dWeight, dBias, rows, width);
        Sums.add(cores(), dx, dSum, dx, (long) rows * width);
    }
}
