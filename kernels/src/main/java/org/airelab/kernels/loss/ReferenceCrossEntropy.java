package org.airelab.kernels.loss;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

import java.lang.foreign.MemorySegment;

/** {@link CrossEntropy} in float64, one element after the other. */
final class ReferenceCrossEntropy implements CrossEntropy {
    @Override
    public String name() {
        return "float64";
    }

    @Override
    public void forward(MemorySegment logits, MemorySegment targets, MemorySegment losses, int rows, int vocabulary,
            long ignoreIndex) {
        CrossEntropy.check(logits, targets, losses, rows, vocabulary, ignoreIndex);
        for (var row = 0; row < rows; row++) {
            var start = (long) row * vocabulary;
            var target = CrossEntropy.target(targets, row);
            set(losses, row, target == ignoreIndex ? 0
                    : logSum(logits, start, vocabulary) - get(logits, start + target));
        }
    }

    @Override
    public void forwardBackward(MemorySegment logits, MemorySegment targets, MemorySegment losses, int rows,
            int vocabulary, long ignoreIndex, float scale) {
        forward(logits, targets, losses, rows, vocabulary, ignoreIndex);
        for (var row = 0; row < rows; row++) {
            var start = (long) row * vocabulary;
            var target = CrossEntropy.target(targets, row);
            var logSum = logSum(logits, start, vocabulary);
            for (var i = 0; i < vocabulary; i++) {
                var gradient = Math.exp(get(logits, start + i) - logSum) - (i == target ? 1 : 0);
                set(logits, start + i, target == ignoreIndex ? 0 : gradient * scale);
            }
        }
    }

    private static double logSum(MemorySegment logits, long start, int vocabulary) {
        var max = Double.NEGATIVE_INFINITY;
        for (var i = 0; i < vocabulary; i++) {
            max = Math.max(max, get(logits, start + i));
        }
        var sum = 0.0;
        for (var i = 0; i < vocabulary; i++) {
            sum += Math.exp(get(logits, start + i) - max);
        }
        return Math.log(sum) + max;
    }

    private static double get(MemorySegment segment, long index) {
        return segment.getAtIndex(JAVA_FLOAT_UNALIGNED, index);
    }

    private static void set(MemorySegment segment, long index, double value) {
        segment.setAtIndex(JAVA_FLOAT_UNALIGNED, index, (float) value);
    }
}
