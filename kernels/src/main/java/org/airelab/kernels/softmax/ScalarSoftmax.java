package org.airelab.kernels.softmax;

import static org.airelab.kernels.cpu.Lanes.get;
import static org.airelab.kernels.cpu.Lanes.set;

import java.lang.foreign.MemorySegment;
import org.airelab.kernels.DType;

/** {@link Softmax} in plain loops on one thread: elements are of float32, sums of float64. */
final class ScalarSoftmax implements Softmax {
    @Override
    public String name() {
        return "scalar";
    }

    @Override
    public void forward(MemorySegment x, MemorySegment y, int rows, int width) {
        Softmax.checkForward(x, y, rows, width, DType.FP32);
        for (var row = 0; row < rows; row++) {
            var start = (long) row * width;
            var max = Float.NEGATIVE_INFINITY;
            for (var i = 0; i < width; i++) {
                max = Math.max(max, get(x, start + i));
            }
            var sum = 0.0;
            for (var i = 0; i < width; i++) {
                sum += (float) Math.exp(get(x, start + i) - max);
            }
            for (var i = 0; i < width; i++) {
                set(y, start + i, (float) Math.exp(get(x, start + i) - max) / (float) sum);
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
                set(dx, start + i, get(y, start + i) * (get(dy, start + i) - (float) dot));
            }
        }
    }
}
