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

/** The sum of gradients, kept in float32 whatever type they are computed in. */
public interface GradientSum extends Rung {
    Family<GradientSum> FAMILY = new Family<>("gradient-sum", new ReferenceGradientSum(),
            List.of(new ScalarGradientSum(), new VectorGradientSum(Cores.ONE), new VectorGradientSum(Cores.ALL)),
            ElementSharing.ladder(EnumSet.allOf(DType.class), CudaGradientSum::new));

    /**
     * {@code sums += addends}, element by element.
     *
     * @param addends [count], float32 or of the rung's element type
     * @param count   at least 0
     * @param sums    [count], float32, updated; apart from the addends
     * @throws IllegalArgumentException for sizes that do not fit
     */
    void add(MemorySegment addends, long count, MemorySegment sums);

    /** Checks the arguments of {@link #add}. */
    static void check(MemorySegment addends, long count, MemorySegment sums, DType dtype) {
        Buffers.atLeast("count", 0, count);
        Buffers.elements("addends", addends, count, dtype);
        Buffers.floats("sums", sums, count);
    }
}
