package org.airelab.kernels.norm;

import java.lang.foreign.MemorySegment;
import java.util.List;
import org.airelab.kernels.Family;
import org.airelab.kernels.Rung;
import org.airelab.kernels.cpu.Cores;
import org.airelab.kernels.cpu.Sums;
import org.airelab.kernels.cuda.RowSharing;

/**
 * Root mean square normalization of rows: y = x * r * weight with r = 1 / sqrt(mean(x^2) + eps).
 *
 * <p>Zhang and Sennrich, "Root Mean Square Layer Normalization", 2019, equation 4. Segments are row-major,
 * float32 or of the rung's element type, rstd always float32. Sizes that do not fit are an
 * {@link IllegalArgumentException}. {@code y} may be {@code x}, and {@code dx} may be {@code dy}. The order of sums
 * depends on the shape alone.
 */
public interface RmsNorm extends Rung {
    Family<RmsNorm> FAMILY = new Family<>("rms-norm", new ReferenceRmsNorm(),
            List.of(new ScalarRmsNorm(), new VectorRmsNorm(Cores.ONE), new VectorRmsNorm(Cores.ALL)),
            RowSharing.ladder(CudaRmsNorm::new));

    /**
     * @param x      [rows, width]
     * @param weight [width]
     * @param y      [rows, width], written
     * @param rstd   [rows], written: r of each row
     * @param eps    added to the mean of the squares
     */
    void forward(MemorySegment x, MemorySegment weight, MemorySegment y, MemorySegment rstd,
            int rows, int width, float eps);

    /**
     * @param dy      [rows, width], gradient with respect to y
     * @param x       [rows, width], as given to the forward pass
     * @param weight  [width]
     * @param rstd    [rows], as written by the forward pass
     * @param dx      [rows, width], overwritten
     * @param dWeight [width], overwritten
     */
    void backward(MemorySegment dy, MemorySegment x, MemorySegment weight, MemorySegment rstd,
            MemorySegment dx, MemorySegment dWeight, int rows, int width);

    /**
     * {@link #forward} of a sum of two matrices, rounded to the element type.
     *
     * @param x     [rows, width]
     * @param added [rows, width]
     * @param sum   [rows, width], written; may be {@code x} or {@code added}
     * @param y     [rows, width], written; none of the others
     */
    default void forwardOfSum(MemorySegment x, MemorySegment added, MemorySegment sum, MemorySegment weight,
            MemorySegment y, MemorySegment rstd, int rows, int width, float eps) {
        NormArguments.checkShape(rows, width);
        Sums.add(cores(), x, added, sum, (long) rows * width);
        forward(sum, weight, y, rstd, rows, width, eps);
    }

    /**
     * {@link #backward} to what is used beside its norm, such as a sum.
     *
     * @param dSum [rows, width], the gradient with respect to x as it is used elsewhere
     * @param x    [rows, width]: the sum, as written by the forward pass
     * @param dx   [rows, width], overwritten with the sum of both gradients; none of the others
     */
    default void backwardOfSum(MemorySegment dy, MemorySegment dSum, MemorySegment x, MemorySegment weight,
            MemorySegment rstd, MemorySegment dx, MemorySegment dWeight, int rows, int width) {
        backward(dy, x, weight, rstd, dx, dWeight, rows, width);
        Sums.add(cores(), dx, dSum, dx, (long) rows * width);
    }
}
