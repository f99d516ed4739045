package org.airelab.kernels.loss;

import static org.airelab.kernels.cpu.Lanes.get;
import static org.airelab.kernels.cpu.Lanes.getLong;
import static org.airelab.kernels.cpu.Lanes.set;

import java.lang.foreign.MemorySegment;
import org.airelab.kernels.cpu.Cores;
import org.airelab.kernels.cpu.Exponential;
import org.airelab.kernels.cpu.Lanes;
import org.airelab.kernels.cpu.SoftmaxRow;
import org.airelab.kernels.cpu.VectorRung;

/**
 * {@link CrossEntropy} eight lanes at a time. A row comes from memory once, for its maximum; the exponentials and the
 * gradient then find it in the core's own cache and overwrite it there.
 *
 * <p>Measured on 2 cores of a shared Intel Xeon server (AVX-512), 64 x 4096 of float32: {@code vector} 16 times the
 * scalar rung's speed for the loss and 16 times with its gradient, {@code parallel} 1.8 and 1.6 times that.
 */
final class VectorCrossEntropy extends VectorRung implements CrossEntropy {
    private static final int ELEMENTS = 32768;

    VectorCrossEntropy(Cores cores) {
        super(cores);
    }

    @Override
    public void forward(MemorySegment logits, MemorySegment targets, MemorySegment losses, int rows, int vocabulary,
            long ignoreIndex) {
        CrossEntropy.check(logits, targets, losses, rows, vocabulary, ignoreIndex);
        cores().forPieces(rows, rowsEach(vocabulary), (_, from, to) -> {
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
        cores().forPieces(rows, rowsEach(vocabulary), (_, from, to) -> {
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
        var max = SoftmaxRow.max(row, vocabulary);
        return Math.log(SoftmaxRow.sumOfExponentials(row, max, vocabulary)) + max - get(row + 4 * target);
    }

    private static double lossAndGradient(long row, long target, int vocabulary, float scale) {
        var max = SoftmaxRow.max(row, vocabulary);
        var logit = get(row + 4 * target);
        var sum = SoftmaxRow.exponentials(row, max, row, vocabulary);
        var factor = (float) (scale / sum);
        SoftmaxRow.scale(row, factor, vocabulary);
        // Not by way of our own exponential, and not read again: either would be more than the compiler inlines.
        set(row + 4 * target, (float) Math.exp(logit - max) * factor - scale);
        return Math.log(sum) + max - logit;
    }
}
