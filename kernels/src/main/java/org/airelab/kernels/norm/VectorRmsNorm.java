package org.airelab.kernels.norm;

import static org.airelab.kernels.cpu.Lanes.BYTES;
import static org.airelab.kernels.cpu.Lanes.COUNT;
import static org.airelab.kernels.cpu.Lanes.broadcast;
import static org.airelab.kernels.cpu.Lanes.get;
import static org.airelab.kernels.cpu.Lanes.load;
import static org.airelab.kernels.cpu.Lanes.set;
import static org.airelab.kernels.cpu.Lanes.store;

import java.lang.foreign.MemorySegment;
import org.airelab.kernels.DType;
import org.airelab.kernels.cpu.Cores;
import org.airelab.kernels.cpu.Lanes;
import org.airelab.kernels.cpu.VectorRung;

/**
 * {@link RmsNorm} eight lanes at a time.
 *
 * <p>Measured on 2 cores of a shared Intel Xeon server (AVX-512), 256 x 768 of float32: {@code vector} 3.6 times the
 * scalar rung's speed forward and 3.4 times backward, {@code parallel} 1.6 and 1.2 times that.
 */
final class VectorRmsNorm extends VectorRung implements RmsNorm {
    VectorRmsNorm(Cores cores) {
        super(cores);
    }

    @Override
    public void forward(MemorySegment x, MemorySegment weight, MemorySegment y, MemorySegment rstd,
            int rows, int width, float eps) {
        NormArguments.checkForward(x, weight, y, rstd, rows, width, DType.FP32);
        cores().forPieces(rows, RowTasks.each(width), (_, from, to) -> {
            for (var row = from; row < to; row++) {
                var offset = 4L * row * width;
                var in = x.address() + offset;
                var r = (float) (1 / Math.sqrt(sumOfSquares(in, width) / width + eps));
                set(rstd.address() + 4L * row, r);
                scale(in, weight.address(), r, y.address() + offset, width);
            }
        });
    }

    /** The sum of a row's squares, that of each 1024 formed in float32. */
    private static double sumOfSquares(long x, int width) {
        var sum = 0.0;
        for (var i = 0; i < width; i += RowTasks.PIECE) {
            sum += pieceOfSquares(x + 4L * i, Math.min(RowTasks.PIECE, width - i));
        }
        return sum;
    }

    private static float pieceOfSquares(long x, int width) {
        // Two sums, as each addition waits for the one before it.
        var first = broadcast(0f);
        var second = first;
        var i = 0;
        for (; i + 2 * COUNT <= width; i += 2 * COUNT) {
            var v = load(x + 4L * i);
            var w = load(x + 4L * i + BYTES);
            first = v.fma(v, first);
            second = w.fma(w, second);
        }
        var total = Lanes.sum(first.add(second));
        for (; i < width; i++) {
            total += get(x + 4L * i) * get(x + 4L * i);
        }
        return total;
    }

    private static void scale(long x, long weight, float r, long y, int width) {
        var i = 0;
        for (; i + COUNT <= width; i += COUNT) {
            store(load(x + 4L * i).mul(r).mul(load(weight + 4L * i)), y + 4L * i);
        }
        for (; i < width; i++) {
            set(y + 4L * i, get(x + 4L * i) * r * get(weight + 4L * i));
        }
    }

    @Override
    public void backward(MemorySegment dy, MemorySegment x, MemorySegment weight, MemorySegment rstd,
            MemorySegment dx, MemorySegment dWeight, int rows, int width) {
        NormArguments.checkBackward(dy, x, weight, rstd, dx, dWeight, rows, width, DType.FP32);
        try (var sums = new RowTasks.Sums(rows, width)) {
            cores().forPieces(rows, sums.each(), (task, from, to) -> {
                for (var row = from; row < to; row++) {
                    var offset = 4L * row * width;
                    var r = get(rstd.address() + 4L * row);
                    var dot = products(dy.address() + offset, x.address() + offset, weight.address(), r,
                            sums.of(task, row), width);
                    gradient(dy.address() + offset, x.address() + offset, weight.address(), r,
                            dot * r * r * r / width, dx.address() + offset, width);
                }
            });
            sums.total(0, dWeight);
        }
    }

    /** Adds dy * x * r to the sums; returns the sum of dy * x * weight. */
    private static float products(long dy, long x, long weight, float r, long sums, int width) {
        var dot = broadcast(0f);
        var i = 0;
        for (; i + COUNT <= width; i += COUNT) {
            var product = load(dy + 4L * i).mul(load(x + 4L * i));
            store(product.fma(broadcast(r), load(sums + 4L * i)), sums + 4L * i);
            dot = product.fma(load(weight + 4L * i), dot);
        }
        var total = Lanes.sum(dot);
        for (; i < width; i++) {
            var product = get(dy + 4L * i) * get(x + 4L * i);
            set(sums + 4L * i, get(sums + 4L * i) + product * r);
            total += product * get(weight + 4L * i);
        }
        return total;
    }

    private static void gradient(long dy, long x, long weight, float r, float c, long dx, int width) {
        var i = 0;
        for (; i + COUNT <= width; i += COUNT) {
            var scaled = load(dy + 4L * i).mul(load(weight + 4L * i)).mul(r);
            store(load(x + 4L * i).fma(broadcast(-c), scaled), dx + 4L * i);
        }
        for (; i < width; i++) {
            set(dx + 4L * i, get(dy + 4L * i) * get(weight + 4L * i) * r - get(x + 4L * i) * c);
        }
    }
}
