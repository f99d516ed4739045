package org.airelab.kernels.activation;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

import java.lang.foreign.MemorySegment;
import java.util.function.DoubleUnaryOperator;
import org.airelab.kernels.DType;

/** An {@link Activation} in float64, one element after the other. */
record ReferenceActivation(DoubleUnaryOperator curve, DoubleUnaryOperator slope) implements Activation {
    @Override
    public String name() {
        return "float64";
    }

    @Override
    public void forward(MemorySegment x, MemorySegment y, long count) {
        Activation.check(x, y, count, DType.FP32);
        for (var i = 0L; i < count; i++) {
            var value = curve.applyAsDouble(x.getAtIndex(JAVA_FLOAT_UNALIGNED, i));
            y.setAtIndex(JAVA_FLOAT_UNALIGNED, i, (float) value);
        }
    }

    @Override
    public void backward(MemorySegment dy, MemorySegment x, MemorySegment dx, long count) {
        Activation.check(dy, x, dx, count, DType.FP32);
        for (var i = 0L; i < count; i++) {
            var value = slope.applyAsDouble(x.getAtIndex(JAVA_FLOAT_UNALIGNED, i));
            dx.setAtIndex(JAVA_FLOAT_UNALIGNED, i, (float) (dy.getAtIndex(JAVA_FLOAT_UNALIGNED, i) * value));
        }
    }
}
