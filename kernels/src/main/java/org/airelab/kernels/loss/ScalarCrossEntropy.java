package org.airelab.kernels.loss;

import static org.airelab.kernels.cpu.Lanes.get;
import static org.airelab.kernels.cpu.Lanes.set;

import java.lang.foreign.MemorySegment;

/** {@link CrossEntropy} in plain loops on one thread: elements are of float32, sums of float64. */
final class ScalarCrossEntropy implements CrossEntropy {
    @Override
    public String name() {
        return "scalar";
    }

    @Override
    public void forward(MemorySegment logits, MemorySegment targets, MemorySegment losses, int rows, int vocabulary,
            long ignoreIndex) {
        CrossEntropy.check(logits, targets, losses, rows, vocabulary, ignoreIndex);
        for (var row = 0; row < rows; row++) {
            var target = CrossEntropy.target(targets, row);
            set(losses, row, target == ignoreIndex ? 0 : loss(logits, (long) row * vocabulary, vocabulary, target));
        }
    }

    private static float loss(MemorySegment logits, long start, int vocabulary, long target) {
        var max = max(logits, start, vocabulary);
        var sum = 0.0;
        for (var i = 0; i < vocabulary; i++) {
            sum += (float) Math.exp(get(logits, start + i) - max);
        }
        return (float) (Math.log(sum) + max - get(logits, start + target));
    }

    @Override
    public void forwardBackward(MemorySegment logits, MemorySegment targets, MemorySegment losses, int rows,
            int vocabulary, long ignoreIndex, float scale) {
        forward(logits, targets, losses, rows, vocabulary, ignoreIndex);
        for (var row = 0; row < rows; row++) {
            var start = (long) row * vocabulary;
            var target = CrossEntropy.target(targets, row);
            if (target == ignoreIndex) {
                logits.asSlice(4 * start, 4L * vocabulary).fill((byte) 0);
            } else {
                gradient(logits, start, vocabulary, target, scale);
            }
        }
    }

    private static void gradient(MemorySegment logits, long start, int vocabulary, long target, float scale) {
        var max = max(logits, start, vocabulary);
        var sum = 0.0;
        for (var i = 0; i < vocabulary; i++) {
            var e = (float) Math.exp(get(logits, start + i) - max);
            set(logits, start + i, e);
            sum += e;
        }
        for (var i = 0; i < vocabulary; i++) {
            set(logits, start + i, (get(logits, start + i) / (float) sum - (i == target ? 1 : 0)) * scale);
        }
    }

    private static float max(MemorySegment logits, long start, int vocabulary) {
        var max = Float.NEGATIVE_INFINITY;
        for (var i = 0; i < vocabulary; i++) {
            max = Math.max(max, get(logits, start + i));
        }
        return max;
    }
}
