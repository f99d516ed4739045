package org.airelab.kernels.optimizer;

import java.lang.foreign.MemorySegment;
import org.airelab.kernels.DType;
import org.airelab.kernels.cpu.Cores;
import org.airelab.kernels.cpu.Sums;
import org.airelab.kernels.cpu.VectorRung;

/**
 * {@link GradientSum} eight lanes at a time.
 *
 * <p>Measured on 2 cores of a shared Intel Xeon server (AVX-512), 131,072 elements of float32: {@code vector} 2.6 times
 * the scalar rung's speed, {@code parallel} 1.0 times that.
 */
final class VectorGradientSum extends VectorRung implements GradientSum {
    VectorGradientSum(Cores cores) {
        super(cores);
    }

    @Override
    public void add(MemorySegment addends, long count, MemorySegment sums) {
        GradientSum.check(addends, count, sums, DType.FP32);
        Sums.add(cores(), sums, addends, sums, count);
    }
}
