package org.airelab.kernels.optimizer;

import java.lang.foreign.MemorySegment;
import org.airelab.kernels.DType;
import org.airelab.kernels.cpu.Lanes;
import org.airelab.kernels.cpu.Sums;

/**
 * {@link GradientSum} eight lanes at a time on all cores.
 *
 * <p>Measured on 2 cores of an AMD EPYC (Zen 4) server (benchmarks/reports/20261126-AMD-EPYC), 131,072 elements of
 * float32: 9.60 us where the scalar rung took 40.1 us.
 */
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
