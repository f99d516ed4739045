package org.airelab.kernels.optimizer;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

import java.lang.foreign.MemorySegment;
import org.airelab.kernels.cpu.Buffers;

/** {@link GradientNorm} in one loop on one thread. */
final class ScalarGradientNorm implements GradientNorm {
    @Override
    public String name() {
        return "scalar";
    }

    @Override
    public double sumOfSquares(MemorySegment values, long count) {
        Buffers.floats("values", values, count);
        var sum = 0.0;
        for (var i = 0L; i < count; i++) {
            var value = (double) values.getAtIndex(JAVA_FLOAT_UNALIGNED, i);
            sum += value * value;
        }
        return sum;
    }
}
