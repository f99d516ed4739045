package org.airelab.kernels.loss;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.stream.IntStream;
import org.airelab.kernels.Family;
import org.airelab.kernels.Rung;
import org.airelab.kernels.cpu.Buffers;

/**
 * Cross-entropy of rows of logits with class numbers: loss = log(sum of e^logit) - logit of the target, in nats.
 *
 * <p>Logits are float32 [rows, vocabulary], targets int64 [rows]. A row whose target is {@code ignoreIndex} has loss
 * and gradient 0. Sizes that do not fit, and targets that are neither {@code ignoreIndex} nor in [0, vocabulary), are
 * an {@link IllegalArgumentException}, raised before anything is written. NaN in a row makes its loss NaN.
 */
public interface CrossEntropy extends Rung {
    Family<CrossEntropy> FAMILY = new Family<>("cross-entropy", new ReferenceCrossEntropy(),
            List.of(new ScalarCrossEntropy(), new VectorCrossEntropy()));

    /** @return the sum of the rows' losses; divide by {@link #counted} for their mean */
    double forward(MemorySegment logits, MemorySegment targets, int rows, int vocabulary, long ignoreIndex);

    /**
     * As {@link #forward}, and replaces the logits by their gradient: (softmax - one at the target) * scale.
     *
     * @param scale gradient of whatever is optimized with respect to the sum of the losses: 1 / counted rows for a mean
     */
    double forwardBackward(MemorySegment logits, MemorySegment targets, int rows, int vocabulary, long ignoreIndex,
            float scale);

    /** The number of targets that are not {@code ignoreIndex}. */
    static long counted(MemorySegment targets, int rows, long ignoreIndex) {
        Buffers.longs("targets", targets, rows);
        return IntStream.range(0, rows).filter(row -> target(targets, row) != ignoreIndex).count();
    }

    /** The target of a row. */
    static long target(MemorySegment targets, int row) {
        return targets.getAtIndex(ValueLayout.JAVA_LONG_UNALIGNED, row);
    }

    /** Checks sizes and targets. */
    static void check(MemorySegment logits, MemorySegment targets, int rows, int vocabulary, long ignoreIndex) {
        Buffers.atLeast("rows", 0, rows);
        Buffers.atLeast("vocabulary", 1, vocabulary);
        Buffers.floats("logits", logits, (long) rows * vocabulary);
        Buffers.longs("targets", targets, rows);
        for (var row = 0; row < rows; row++) {
            var target = target(targets, row);
            if (target != ignoreIndex && (target < 0 || target >= vocabulary)) {
                throw new IllegalArgumentException("expected targets of 0 to " + (vocabulary - 1) + " or " + ignoreIndex
                        + ", found " + target + " in row " + row);
            }
        }
    }
}
