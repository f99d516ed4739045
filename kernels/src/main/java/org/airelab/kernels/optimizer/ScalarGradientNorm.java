package org.airelab.kernels.optimizer;

import static java.lang.foreign.ValueLayout.JAVA_DOUBLE_UNALIGNED;
import static org.airelab.kernels.cpu.Lanes.get;

import java.lang.foreign.MemorySegment;
import org.airelab.kernels.DType;

/** {@link GradientNorm} in one loop on one thread. */
final class ScalarGradientNorm implements GradientNorm {
    @Override
    public String name() {
        return "scalar";
    }

    @Override
    public void sumOfSquares(MemorySegment values, long count, MemorySegment sum) {
        GradientNorm.check(values, count, sum, DType.FP32);
        var total = 0.0;
        for (var i = 0L; i < count; i++) {
            var value = (double) get(values, i);
            total += value * value;
        }
        sum.set(JAVA_DOUBLE_UNALIGNED, 0, total);
    }
}
