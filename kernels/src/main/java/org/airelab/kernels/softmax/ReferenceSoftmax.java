package org.airelab.kernels.softmax;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

import java.lang.foreign.MemorySegment;
import org.airelab.kernels.DType;

/** {@link Softmax} in float64, one element after the other. */
final class ReferenceSoftmax implements Softmax {
    @Override
    public String name() {
        return "float64";
    }

    @Override
    public void forward(MemorySegment x, MemorySegment y, int rows, int width) {
        Softmax.checkForward(x, y, rows, width, DType.FP32);
        for (var row = 0; row < rows; row++) {
            var start = (long) row * width;
            var max = Double.NEGATIVE_INFINITY;
            for (var i = 0; i < width; i++) {
                max = Math.max(max, get(x, start + i));
            }
            var sum = 0.0;
            for (var i = 0; i < width; i++) {
                sum += Math.exp(get(x, start + i) - max);
            }
            for (var i = 0; i < width; i++) {
                set(y, start + i, Math.exp(get(x, start + i) - max) / sum);
            }
        }
    }

    @Override
    public void backward(MemorySegment dy, MemorySegment y, MemorySegment dx, int rows, int width) {
        Softmax.checkBackward(dy, y, dx, rows, width, DType.FP32);
        for (var row = 0; row < rows; row++) {
            var start = (long) row * width;
            var dot = 0.0;
            for (var i = 0; i < width; i++) {
                dot += get(dy, start + i) * get(y, start + i);
            }
            for (var i = 0; i < width; i++) {
                set(dx, start + i, get(y, start + i) * (get(dy, start + i) - dot));
            }
        }
    }

    private static double get(MemorySegment segment, long index) {
        return segment.getAtIndex(JAVA_FLOAT_UNALIGNED, index);
    }

    private static void set(MemorySegment segment, long index, double value) {
        segment.setAtIndex(JAVA_FLOAT_UNALIGNED, index, (float) value);
    }
}
