package org.airelab.kernels.softmax;

import java.lang.foreign.MemorySegment;
import java.util.List;
import org.airelab.kernels.DType;
import org.airelab.kernels.Family;
import org.airelab.kernels.Rung;
import org.airelab.kernels.cpu.Buffers;
import org.airelab.kernels.cpu.Cores;
import org.airelab.kernels.cuda.RowSharing;

/**
 * Softmax of rows: y_i = e^(x_i - max x) / sum_j e^(x_j - max x).
 *
 * <p>Bridle, "Probabilistic Interpretation of Feedforward Classification Network Outputs", 1990. Segments are
 * row-major, float32 or of the rung's element type. Sizes that do not fit are an {@link IllegalArgumentException}. A
 * row with NaN, with +infinity or with nothing but -infinity becomes NaN throughout. {@code y} may be {@code x}, and
 * {@code dx} may be {@code dy}.
 */
public interface Softmax extends Rung {
    Family<Softmax> FAMILY = new Family<>("softmax", new ReferenceSoftmax(),
            List.of(new ScalarSoftmax(), new VectorSoftmax(Cores.ONE), new VectorSoftmax(Cores.ALL)),
            RowSharing.ladder(CudaSoftmax::new));

    /**
     * @param x [rows, width]
     * @param y [rows, width], written
     */
    void forward(MemorySegment x, MemorySegment y, int rows, int width);

    /**
     * dx_i = y_i (dy_i - sum_j dy_j y_j).
     *
     * @param dy [rows, width], gradient with respect to y
     * @param y  [rows, width], as written by the forward pass
     * @param dx [rows, width], overwritten
     */
    void backward(MemorySegment dy, MemorySegment y, MemorySegment dx, int rows, int width);

    /** Checks the sizes of the forward pass's arguments. */
    static void checkForward(MemorySegment x, MemorySegment y, int rows, int width, DType dtype) {
        checkShape(rows, width);
        Buffers.elements("x", x, (long) rows * width, dtype);
        Buffers.elements("y", y, (long) rows * width, dtype);
    }

    /** Checks the sizes of the backward pass's arguments. */
    static void checkBackward(MemorySegment dy, MemorySegment y, MemorySegment dx, int rows, int width, DType dtype) {
        checkShape(rows, width);
        Buffers.elements("dy", dy, (long) rows * width, dtype);
        Buffers.elements("y", y, (long) rows * width, dtype);
        Buffers.elements("dx", dx, (long) rows * width, dtype);
    }

    private static void checkShape(int rows, int width) {
        Buffers.atLeast("rows", 0, rows);
        Buffers.atLeast("width", 1, width);
    }
}
