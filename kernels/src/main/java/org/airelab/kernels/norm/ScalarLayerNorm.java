package org.airelab.kernels.norm;

import static org.airelab.kernels.cpu.Lanes.get;
import static org.airelab.kernels.cpu.Lanes.set;

import java.lang.foreign.MemorySegment;
import org.airelab.kernels.DType;
import org.airelab.kernels.cpu.Buffers;

/** {@link LayerNorm} in plain loops on one thread: elements are of float32, sums of float64. */
final class ScalarLayerNorm implements LayerNorm {
    @Override
    public String name() {
        return "scalar";
    }

    @Override
    public void forward(MemorySegment x, MemorySegment weight, MemorySegment bias, MemorySegment y,
            MemorySegment mean, MemorySegment rstd, int rows, int width, float eps) {
        NormArguments.checkForward(x, weight, y, rstd, rows, width, DType.FP32);
        NormArguments.checkOptional("bias", bias, width, DType.FP32);
        Buffers.floats("mean", mean, rows);
        for (var row = 0; row < rows; row++) {
            forwardRow(x, weight, bias, y, mean, rstd, row, width, eps);
        }
    }

    /** A row by itself: as loops within a loop of rows, the JIT compiles all of them anew at each of them. */
    private static void forwardRow(MemorySegment x, MemorySegment weight, MemorySegment bias, MemorySegment y,
            MemorySegment mean, MemorySegment rstd, int row, int width, float eps) {
        var start = (long) row * width;
        var sum = 0.0;
        for (var i = 0; i < width; i++) {
            sum += get(x, start + i);
        }
        var m = (float) (sum / width);
        var squares = 0.0;
        for (var i = 0; i < width; i++) {
            var centred = get(x, start + i) - m;
            squares += centred * centred;
        }
        var r = (float) (1 / Math.sqrt(squares / width + eps));
        for (var i = 0; i < width; i++) {
            var shift = bias == null ? 0 : get(bias, i);
            set(y, start + i, (get(x, start + i) - m) * r * get(weight, i) + shift);
        }
        set(mean, row, m);
        set(rstd, row, r);
    }

    @Override
    public void backward(MemorySegment dy, MemorySegment x, MemorySegment weight, MemorySegment mean,
            MemorySegment rstd, MemorySegment dx, MemorySegment dWeight, MemorySegment dBias, int rows, int width) {
        NormArguments.checkBackward(dy, x, weight, rstd, dx, dWeight, rows, width, DType.FP32);
        Buffers.floats("mean", mean, rows);
        NormArguments.checkOptional("dBias", dBias, width, DType.FP32);
        var weightSums = new double[width];
        var biasSums = new double[width];
        for (var row = 0; row < rows; row++) {
            backwardRow(dy, x, weight, mean, rstd, dx, weightSums, biasSums, row, width);
        }
        for (var i = 0; i < width; i++) {
            set(dWeight, i, (float) weightSums[i]);
            if (dBias != null) {
                set(dBias, i, (float) biasSums[i]);
            }
        }
    }

    private static void backwardRow(MemorySegment dy, MemorySegment x, MemorySegment weight, MemorySegment mean,
            MemorySegment rstd, MemorySegment dx, double[] weightSums, double[] biasSums, int row, int width) {
        var start = (long) row * width;
        var m = get(mean, row);
        var r = get(rstd, row);
        var sum = 0.0;
        var dot = 0.0;
        for (var i = 0; i < width; i++) {
            var gradient = get(dy, start + i);
            var normal = (get(x, start + i) - m) * r;
            weightSums[i] += gradient * normal;
            biasSums[i] += gradient;
            sum += gradient * get(weight, i);
            dot += gradient * get(weight, i) * normal;
        }
        var shift = (float) (sum / width);
        var slope = (float) (dot / width);
        for (var i = 0; i < width; i++) {
            var normal = (get(x, start + i) - m) * r;
            set(dx, start + i, (get(dy, start + i) * get(weight, i) - shift - normal * slope) * r);
        }
    }
}
