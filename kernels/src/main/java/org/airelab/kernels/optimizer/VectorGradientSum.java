package org.airelab.kernels.optimizer;

import java.lang.foreign.MemorySegment;
import org.airelab.kernels.DType;
import org.airelab.kernels.cpu.Cores;
import org.airelab.kernels.cpu.Sums;
import org.airelab.kernels.cpu.VectorRung;

/** {@link GradientSum} eight lanes at a time. */
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
