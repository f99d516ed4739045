package org.airelab.kernels.norm;

import static org.airelab.kernels.cpu.Lanes.BYTES;
import static org.airelab.kernels.cpu.Lanes.COUNT;
import static org.airelab.kernels.cpu.Lanes.broadcast;
import static org.airelab.kernels.cpu.Lanes.get;
import static org.airelab.kernels.cpu.Lanes.load;
import static org.airelab.kernels.cpu.Lanes.set;
import static org.airelab.kernels.cpu.Lanes.store;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.airelab.kernels.DType;
import org.airelab.kernels.cpu.Buffers;
import org.airelab.kernels.cpu.Cores;
import org.airelab.kernels.cpu.Lanes;
import org.airelab.kernels.cpu.VectorRung;

/**
 * {@link LayerNorm} eight lanes at a time.
 *
 * <p>Measured on 2 cores of a shared Intel Xeon server (AVX-512), 256 x 768 of float32: {@code vector} 4.5 times the
 * scalar rung's speed forward and 4.5 times backward, {@code parallel} 1.6 and 1.2 times that.
 */
final class VectorLayerNorm extends VectorRung implements LayerNorm {
    VectorLayerNorm(Cores cores) {
        super(cores);
    }

    @Override
    public void forward(MemorySegment x, MemorySegment weight, MemorySegment bias, MemorySegment y,
            MemorySegment mean, MemorySegment rstd, int rows, int width, float eps) {
        NormArguments.checkForward(x, weight, y, rstd, rows, width, DType.FP32);
        NormArguments.checkOptional("bias", bias, width, DType.FP32);
        Buffers.floats("mean", mean, rows);
        try (var arena = Arena.ofConfined()) {
            var shift = bias != null ? bias : arena.allocate(4L * width);
            cores().forPieces(rows, RowTasks.each(width), (_, from, to) -> {
                for (var row = from; row < to; row++) {
                    var offset = 4L * row * width;
                    var in = x.address() + offset;
                    var m = (float) (sum(in, width) / width);
                    var r = (float) (1 / Math.sqrt(sumOfSquares(in, m, width) / width + eps));
                    set(mean.address() + 4L * row, m);
                    set(rstd.address() + 4L * row, r);
                    normalize(in, m, r, weight.address(), shift.address(), y.address() + offset, width);
                }
            });
        }
    }

    /** The sum of a row, that of each 1024 numbers formed in float32. */
    private static double sum(long x, int width) {
        var sum = 0.0;
        for (var i = 0; i < width; i += RowTasks.PIECE) {
            sum += piece(x + 4L * i, Math.min(RowTasks.PIECE, width - i));
        }
        return sum;
    }

    private static float piece(long x, int width) {
        // Two sums, as each addition waits for the one before it.
        var first = broadcast(0f);
        var second = first;
        var i = 0;
        for (; i + 2 * COUNT <= width; i += 2 * COUNT) {
            first = first.add(load(x + 4L * i));
            second = second.add(load(x + 4L * i + BYTES));
        }
        var total = Lanes.sum(first.add(second));
        for (; i < width; i++) {
            total += get(x + 4L * i);
        }
        return total;
    }

    /** The sum of the squares of x - mean, formed likewise. */
    private static double sumOfSquares(long x, float mean, int width) {
        var sum = 0.0;
        for (var i = 0; i < width; i += RowTasks.PIECE) {
            sum += pieceOfSquares(x + 4L * i, mean, Math.min(RowTasks.PIECE, width - i));
        }
        return sum;
    }

    private static float pieceOfSquares(long x, float mean, int width) {
        var first = broadcast(0f);
        var second = first;
        var i = 0;
        for (; i + 2 * COUNT <= width; i += 2 * COUNT) {
            var v = load(x + 4L * i).sub(mean);
            var w = load(x + 4L * i + BYTES).sub(mean);
            first = v.fma(v, first);
            second = w.fma(w, second);
        }
        var total = Lanes.sum(first.add(second));
        for (; i < width; i++) {
            var v = get(x + 4L * i) - mean;
            total += v * v;
        }
        return total;
    }

    private static void normalize(long x, float mean, float r, long weight, long bias, long y, int width) {
        var i = 0;
        for (; i + COUNT <= width; i += COUNT) {
            var normal = load(x + 4L * i).sub(mean).mul(r);
            store(normal.fma(load(weight + 4L * i), load(bias + 4L * i)), y + 4L * i);
        }
        for (; i < width; i++) {
            set(y + 4L * i, (get(x + 4L * i) - mean) * r * get(weight + 4L * i) + get(bias + 4L * i));
        }
    }

    @Override
    public void backward(MemorySegment dy, MemorySegment x, MemorySegment weight, MemorySegment mean,
            MemorySegment rstd, MemorySegment dx, MemorySegment dWeight, MemorySegment dBias, int rows, int width) {
        NormArguments.checkBackward(dy, x, weight, rstd, dx, dWeight, rows, width, DType.FP32);
        Buffers.floats("mean", mean, rows);
        NormArguments.checkOptional("dBias", dBias, width, DType.FP32);
        try (var sums = new RowTasks.Sums(rows, 2 * width)) {
            cores().forPieces(rows, sums.each(), (task, from, to) -> {
                for (var row = from; row < to; row++) {
                    var offset = 4L * row * width;
                    backwardRow(dy.address() + offset, x.address() + offset, weight.address(),
                            get(mean.address() + 4L * row), get(rstd.address() + 4L * row),
                            dx.address() + offset, sums.of(task, row), width);
                }
            });
            sums.total(0, dWeight);
            if (dBias != null) {
                sums.total(width, dBias);
            }
        }
    }

    /**
     * One pass for all sums, one for the gradient.
     *
     * @param weightSums of dy * normalized x, [width], then of dy, [width]
     */
    private static void backwardRow(long dy, long x, long weight, float mean, float r, long dx, long weightSums,
            int width) {
        var biasSums = weightSums + 4L * width;
        var sums = broadcast(0f);
        var dots = broadcast(0f);
        var i = 0;
        for (; i + COUNT <= width; i += COUNT) {
            var gradient = load(dy + 4L * i);
            var normal = load(x + 4L * i).sub(mean).mul(r);
            store(gradient.fma(normal, load(weightSums + 4L * i)), weightSums + 4L * i);
            store(gradient.add(load(biasSums + 4L * i)), biasSums + 4L * i);
            var weighted = gradient.mul(load(weight + 4L * i));
            sums = sums.add(weighted);
            dots = weighted.fma(normal, dots);
        }
        var sum = Lanes.sum(sums);
        var dot = Lanes.sum(dots);
        for (; i < width; i++) {
            var gradient = get(dy + 4L * i);
            var normal = (get(x + 4L * i) - mean) * r;
            set(weightSums + 4L * i, Math.fma(gradient, normal, get(weightSums + 4L * i)));
            set(biasSums + 4L * i, get(biasSums + 4L * i) + gradient);
            sum += gradient * get(weight + 4L * i);
            dot += gradient * get(weight + 4L * i) * normal;
        }
        gradient(dy, x, weight, mean, r, sum / width, dot / width, dx, width);
    }

    private static void gradient(long dy, long x, long weight, float mean, float r, float sum, float dot,
            long dx, int width) {
        var i = 0;
        for (; i + COUNT <= width; i += COUNT) {
            var normal = load(x + 4L * i).sub(mean).mul(r);
            var centred = load(dy + 4L * i).mul(load(weight + 4L * i)).sub(sum);
            store(normal.fma(broadcast(-dot), centred).mul(r), dx + 4L * i);
        }
        for (; i < width; i++) {
            var normal = (get(x + 4L * i) - mean) * r;
            set(dx + 4L * i, (get(dy + 4L * i) * get(weight + 4L * i) - sum - normal * dot) * r);
        }
    }
}
