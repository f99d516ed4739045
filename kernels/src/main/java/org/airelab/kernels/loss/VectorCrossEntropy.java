package org.airelab.kernels.loss;

import static org.airelab.kernels.cpu.Lanes.BYTES;
import static org.airelab.kernels.cpu.Lanes.COUNT;
import static org.airelab.kernels.cpu.Lanes.broadcast;
import static org.airelab.kernels.cpu.Lanes.get;
import static org.airelab.kernels.cpu.Lanes.getLong;
import static org.airelab.kernels.cpu.Lanes.larger;
import static org.airelab.kernels.cpu.Lanes.load;
import static org.airelab.kernels.cpu.Lanes.set;
import static org.airelab.kernels.cpu.Lanes.store;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.VectorOperators;
import org.airelab.kernels.cpu.Exponential;
import org.airelab.kernels.cpu.Lanes;
import org.airelab.kernels.cpu.Parallel;

/**
 * {@link CrossEntropy} eight lanes at a time on all cores. A row comes from memory once, for its maximum; the
 * exponentials and the gradient then find it in the core's own cache and overwrite it there.
 */
final class VectorCrossEntropy implements CrossEntropy {
    private static final int ELEMENTS = 32768;

    @Override
    public String name() {
        return "vector";
    }

    @Override
    public boolean available() {
        return Lanes.available();
    }

    @Override
    public void forward(MemorySegment logits, MemorySegment targets, MemorySegment losses, int rows, int vocabulary,
            long ignoreIndex) {
        CrossEntropy.check(logits, targets, losses, rows, vocabulary, ignoreIndex);
        Parallel.forPieces(rows, rowsEach(vocabulary), (_, from, to) -> {
            for (var row = from; row < to; row++) {
                var target = getLong(targets.address() + 8 * row);
                var loss = target == ignoreIndex ? 0
                        : loss(logits.address() + 4 * row * vocabulary, target, vocabulary);
                set(losses.address() + 4 * row, (float) loss);
            }
        });
    }

    @Override
    public void forwardBackward(MemorySegment logits, MemorySegment targets, MemorySegment losses, int rows,
            int vocabulary, long ignoreIndex, float scale) {
        CrossEntropy.check(logits, targets, losses, rows, vocabulary, ignoreIndex);
        Parallel.forPieces(rows, rowsEach(vocabulary), (_, from, to) -> {
            for (var row = from; row < to; row++) {
                var start = logits.address() + 4 * row * vocabulary;
                var target = getLong(targets.address() + 8 * row);
                var loss = 0.0;
                if (target == ignoreIndex) {
                    Lanes.zero(start, 4L * vocabulary);
                } else {
                    loss = lossAndGradient(start, target, vocabulary, scale);
                }
                set(losses.address() + 4 * row, (float) loss);
            }
        });
    }

    private static int rowsEach(int vocabulary) {
        return Math.max(1, ELEMENTS / vocabulary);
    }

    private static double loss(long row, long target, int vocabulary) {
        var max = max(row, vocabulary);
        return Math.log(sumOfExponentials(row, max, vocabulary)) + max - get(row + 4 * target);
    }

    private static double lossAndGradient(long row, long target, int vocabulary, float scale) {
        var max = max(row, vocabulary);
        var logit = get(row + 4 * target);
        var sum = exponentials(row, max, vocabulary);
        scale(row, scale / sum, vocabulary);
        // The bits that are there: what was read of them would be more than the compiler inlines.
        set(row + 4 * target, Exponential.expOfNegative(logit - max) * (scale / sum) - scale);
        return Math.log(sum) + max - logit;
    }

    /** The largest value of a row, NaN passed over: it comes back in the exponentials. */
    private static float max(long row, int count) {
        var first = broadcast(Float.NEGATIVE_INFINITY);
        var second = first;
        var i = 0;
        for (; i + 2 * COUNT <= count; i += 2 * COUNT) {
            first = larger(first, load(row + 4L * i));
            second = larger(second, load(row + 4L * i + BYTES));
        }
        var max = Math.max(first.reduceLanes(VectorOperators.MAX), second.reduceLanes(VectorOperators.MAX));
        for (; i < count; i++) {
            var value = get(row + 4L * i);
            max = value > max ? value : max;
        }
        return max;
    }

    /** Replaces x by e^(x - max); returns the sum. */
    private static float exponentials(long row, float max, int count) {
        var shift = broadcast(max);
        var sums = broadcast(0f);
        var i = 0;
        for (; i + COUNT <= count; i += COUNT) {
            var e = Exponential.expOfNegative(load(row + 4L * i).sub(shift));
            sums = sums.add(e);
            store(e, row + 4L * i);
        }
        var sum = Lanes.sum(sums);
        for (; i < count; i++) {
            var e = Exponential.expOfNegative(get(row + 4L * i) - max);
            sum += e;
            set(row + 4L * i, e);
        }
        return sum;
    }

    private static float sumOfExponentials(long row, float max, int count) {
        var shift = broadcast(max);
        var sums = broadcast(0f);
        var i = 0;
        for (; i + COUNT <= count; i += COUNT) {
            sums = sums.add(Exponential.expOfNegative(load(row + 4L * i).sub(shift)));
        }
        var sum = Lanes.sum(sums);
        for (; i < count; i++) {
            sum += Exponential.expOfNegative(get(row + 4L * i) - max);
        }
        return sum;
    }

    private static void scale(long row, float factor, int count) {
        var factors = broadcast(factor);
        var i = 0;
        for (; i + COUNT <= count; i += COUNT) {
            store(load(row + 4L * i).mul(factors), row + 4L * i);
        }
        for (; i < count; i++) {
            set(row + 4L * i, get(row + 4L * i) * factor);
        }
    }
}
