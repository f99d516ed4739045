package org.airelab.kernels.optimizer;

import static java.lang.foreign.ValueLayout.JAVA_DOUBLE_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

import java.lang.foreign.MemorySegment;
import org.airelab.kernels.DType;

/** {@link GradientNorm} with Kahan's compensated summation. */
final class ReferenceGradientNorm implements GradientNorm {
    @Override
    public String name() {
        return "float64";
    }

    @Override
    public void sumOfSquares(MemorySegment values, long count, MemorySegment sum) {
        GradientNorm.check(values, count, sum, DType.FP32);
        sum.set(JAVA_DOUBLE_UNALIGNED, 0, sumOfSquares(values, count));
    }

    private static double sumOfSquares(MemorySegment values, long count) {
        var sum = 0.0;
        var lost = 0.0;
        for (var i = 0L; i < count; i++) {
            var value = (double) values.getAtIndex(JAVA_FLOAT_UNALIGNED, i);
            var square = value * value;
            if (!Double.isFinite(square)) {
                return sum + square;
            }
            var term = square - lost;
            var next = sum + term;
            lost = next - sum - term;
            sum = next;
        }
        return sum;
    }
}
