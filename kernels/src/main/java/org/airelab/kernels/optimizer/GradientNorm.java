package org.airelab.kernels.optimizer;

import java.lang.foreign.MemorySegment;
import java.util.EnumSet;
import java.util.List;
import org.airelab.kernels.DType;
import org.airelab.kernels.Family;
import org.airelab.kernels.Rung;
import org.airelab.kernels.cpu.Buffers;
import org.airelab.kernels.cpu.Cores;
import org.airelab.kernels.cuda.ElementSharing;

/** The squared norm of a gradient. */
public interface GradientNorm extends Rung {
    Family<GradientNorm> FAMILY = new Family<>("gradient-norm", new ReferenceGradientNorm(),
            List.of(new ScalarGradientNorm(), new VectorGradientNorm(Cores.ONE), new VectorGradientNorm(Cores.ALL)),
            ElementSharing.ladder(EnumSet.allOf(DType.class), CudaGradientNorm::new));

    /**
     * Writes the sum of the squares of a gradient's values, formed in float64 and in an order that depends on their
     * number alone. It is infinite or NaN exactly if one of the values is.
     *
     * @param values [count], float32 or of the rung's element type
     * @param count  at least 0; the sum of nothing is 0
     * @param sum    one float64, written: in memory, as the host learns a result on a device only by waiting for it
     * @throws IllegalArgumentException for sizes that do not fit
     */
    void sumOfSquares(MemorySegment values, long count, MemorySegment sum);

    /** Checks the arguments of {@link #sumOfSquares}. */
    static void check(MemorySegment values, long count, MemorySegment sum, DType dtype) {
        Buffers.atLeast("count", 0, count);
        Buffers.elements("values", values, count, dtype);
        Buffers.doubles("sum", sum, 1);
    }
}
