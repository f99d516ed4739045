package org.airelab.kernels.norm;

import static org.airelab.kernels.cpu.Lanes.get;
import static org.airelab.kernels.cpu.Lanes.set;

import java.lang.foreign.MemorySegment;
import org.airelab.kernels.DType;

/** {@link RmsNorm} in plain loops on one thread: elements are of float32, sums of float64. */
final class ScalarRmsNorm implements RmsNorm {
    @Override
    public String name() {
        return "scalar";
    }

    @Override
    public void forward(MemorySegment x, MemorySegment weight, MemorySegment y, MemorySegment rstd,
            int rows, int width, float eps) {
        NormArguments.checkForward(x, weight, y, rstd, rows, width, DType.FP32);
        for (var row = 0; row < rows; row++) {
            var start = (long) row * width;
            var squares = 0.0;
            for (var i = 0; i < width; i++) {
                var value = get(x, start + i);
                squares += value * value;
            }
            var r = (float) (1 / Math.sqrt(squares / width + eps));
            for (var i = 0; i < width; i++) {
                set(y, start + i, get(x, start + i) * r * get(weight, i));
            }
            set(rstd, row, r);
        }
    }

    @Override
    public void backward(MemorySegment dy, MemorySegment x, MemorySegment weight, MemorySegment rstd,
            MemorySegment dx, MemorySegment dWeight, int rows, int width) {
        NormArguments.checkBackward(dy, x, weight, rstd, dx, dWeight, rows, width, DType.FP32);
        var weightSums = new double[width];
        for (var row = 0; row < rows; row++) {
            var start = (long) row * width;
            var r = get(rstd, row);
            var dot = 0.0;
            for (var i = 0; i < width; i++) {
                var product = get(dy, start + i) * get(x, start + i);
                weightSums[i] += product * r;
                dot += product * get(weight, i);
            }
            var c = (float) (dot * r * r * r / width);
            for (var i = 0; i < width; i++) {
                set(dx, start + i, get(dy, start + i) * get(weight, i) * r - get(x, start + i) * c);
            }
        }
        for (var i = 0; i < width; i++) {
            set(dWeight, i, (float) weightSums[i]);
        }
    }
}
