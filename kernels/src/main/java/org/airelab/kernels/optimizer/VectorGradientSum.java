package org.airelab.kernels.optimizer;

import java.lang.foreign.MemorySegment;
import org.airelab.kernels.DType;
import org.airelab.kernels.cpu.Lanes;
import org.airelab.kernels.cpu.Sums;

/** {@link GradientSum} eight lanes at a time on all cores. */
final class VectorGradientSum implements GradientSum {
    @Override
    public String name() {
        return "vector";
    }

    @Override
    public boolean available() {
        return Lanes.available();
    }

    @Override
    public void add(MemorySegment addends, long count, MemorySegment sums) {
        GradientSum.check(addends, count, sums, DType.FP32);
        Sums.add(sums, addends, sums, count);
    }
}
