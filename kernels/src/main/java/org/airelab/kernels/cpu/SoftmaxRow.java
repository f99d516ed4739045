package org.airelab.kernels.cpu;

import static org.airelab.kernels.cpu.Lanes.BYTES;
import static org.airelab.kernels.cpu.Lanes.COUNT;
import static org.airelab.kernels.cpu.Lanes.broadcast;
import static org.airelab.kernels.cpu.Lanes.get;
import static org.airelab.kernels.cpu.Lanes.larger;
import static org.airelab.kernels.cpu.Lanes.load;
import static org.airelab.kernels.cpu.Lanes.set;
import static org.airelab.kernels.cpu.Lanes.store;

import jdk.incubator.vector.VectorOperators;

/** The steps of a softmax over a row of {@code count} float32 numbers at an address. */
public final class SoftmaxRow {
    /** Exponentials added up in float32 at most: the longer such a sum of positive numbers, the more it is off. */
    private static final int PIECE = 1024;

    private SoftmaxRow() {}

    /** The largest value of a row; NaN is passed over: it comes back in the exponentials. */
    public static float max(long x, int count) {
        var first = broadcast(Float.NEGATIVE_INFINITY);
        var second = first;
        var i = 0;
        for (; i + 2 * COUNT <= count; i += 2 * COUNT) {
            first = larger(first, load(x + 4L * i));
            second = larger(second, load(x + 4L * i + BYTES));
        }
        var max = Math.max(first.reduceLanes(VectorOperators.MAX), second.reduceLanes(VectorOperators.MAX));
        for (; i < count; i++) {
            var value = get(x + 4L * i);
            max = value > max ? value : max;
        }
        return max;
    }

    /** Writes e^(x - max) to y, which may be x; returns the sum, that of each 1024 formed in float32. */
    public static double exponentials(long x, float max, long y, int count) {
        var sum = 0.0;
        for (var i = 0; i < count; i += PIECE) {
            sum += piece(x + 4L * i, max, y + 4L * i, Math.min(PIECE, count - i));
        }
        return sum;
    }

    private static float piece(long x, float max, long y, int count) {
        var shift = broadcast(max);
        var sums = broadcast(0f);
        var i = 0;
        for (; i + COUNT <= count; i += COUNT) {
            var e = Exponential.expOfNegative(load(x + 4L * i).sub(shift));
            sums = sums.add(e);
            store(e, y + 4L * i);
        }
        var sum = Lanes.sum(sums);
        for (; i < count; i++) {
            var e = Exponential.expOfNegative(get(x + 4L * i) - max);
            sum += e;
            set(y + 4L * i, e);
        }
        return sum;
    }

    /** The sum of e^(x - max), formed likewise. */
    public static double sumOfExponentials(long x, float max, int count) {
        var sum = 0.0;
        for (var i = 0; i < count; i += PIECE) {
            sum += piece(x + 4L * i, max, Math.min(PIECE, count - i));
        }
        return sum;
    }

    private static float piece(long x, float max, int count) {
        var shift = broadcast(max);
        var sums = broadcast(0f);
        var i = 0;
        for (; i + COUNT <= count; i += COUNT) {
            sums = sums.add(Exponential.expOfNegative(load(x + 4L * i).sub(shift)));
        }
        var sum = Lanes.sum(sums);
        for (; i < count; i++) {
            sum += Exponential.expOfNegative(get(x + 4L * i) - max);
        }
        return sum;
    }

    /** Multiplies a row by a factor. */
    public static void scale(long y, float factor, int count) {
        var factors = broadcast(factor);
        var i = 0;
        for (; i + COUNT <= count; i += COUNT) {
            store(load(y + 4L * i).mul(factors), y + 4L * i);
        }
        for (; i < count; i++) {
            set(y + 4L * i, get(y + 4L * i) * factor);
        }
    }
}
