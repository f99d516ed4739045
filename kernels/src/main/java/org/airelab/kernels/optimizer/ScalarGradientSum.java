package org.airelab.kernels.optimizer;

import static org.airelab.kernels.cpu.Lanes.get;
import static org.airelab.kernels.cpu.Lanes.set;

import java.lang.foreign.MemorySegment;
import org.airelab.kernels.DType;

/** {@link GradientSum} in one loop on one thread. */
final class ScalarGradientSum implements GradientSum {
    @Override
    public String name() {
        return "scalar";
    }

    @Override
    public void add(MemorySegment addends, long count, MemorySegment sums) {
        GradientSum.check(addends, count, sums, DType.FP32);
        for (var i = 0L; i < count; i++) {
            set(sums, i, get(sums, i) + get(addends, i));
        }
    }
}
