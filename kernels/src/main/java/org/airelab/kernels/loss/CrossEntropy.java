package org.airelab.kernels.loss;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.stream.IntStream;
import org.airelab.kernels.DType;
import org.airelab.kernels.Family;
import org.airelab.kernels.Rung;
import org.airelab.kernels.cpu.Buffers;
import org.airelab.kernels.cpu.Cores;
import org.airelab.kernels.cuda.RowSharing;

/**
 * Cross-entropy of rows of logits with class numbers: loss = log(sum of e^logit) - logit of the target, in nats.
 *
 * <p>Logits are row-major [rows, vocabulary], float32 or of the rung's element type, targets int64 [rows], losses
 * always float32 [rows]. A row whose target is {@code ignoreIndex} has loss and gradient 0. NaN or +infinity in a row,
 * or nothing but -infinity, makes its loss and gradient NaN. Sizes that do not fit are an
 * {@link IllegalArgumentException}, and so are targets that are neither {@code ignoreIndex} nor in [0, vocabulary),
 * raised before anything is written. A rung on CUDA cannot see targets before the GPU does: there, such a target makes
 * its row's loss and gradient NaN.
 */
public interface CrossEntropy extends Rung {
    Family<CrossEntropy> FAMILY = new Family<>("cross-entropy", new ReferenceCrossEntropy(),
            List.of(new ScalarCrossEntropy(), new VectorCrossEntropy(Cores.ONE), new VectorCrossEntropy(Cores.ALL)),
            RowSharing.ladder(CudaCrossEntropy::new));

    /**
     * @param logits [rows, vocabulary]
     * @param losses [rows], written; {@link #sum} adds them up, {@link #counted} rows make the mean
     */
    void forward(MemorySegment logits, MemorySegment targets, MemorySegment losses, int rows, int vocabulary,
            long ignoreIndex);

    /**
     * As {@link #forward}, and replaces the logits by their gradient: (softmax - one at the target) * scale.
     *
     * @param scale gradient of whatever is optimized with respect to the sum of the losses: 1 / counted rows for a mean
     */
    void forwardBackward(MemorySegment logits, MemorySegment targets, MemorySegment losses, int rows, int vocabulary,
            long ignoreIndex, float scale);

    /** The sum of the losses in host memory, in float64 and in the order of the rows. */
    static double sum(MemorySegment losses) {
        var sum = 0.0;
        for (var row = 0L; row < losses.byteSize() / Float.BYTES; row++) {
            sum += losses.getAtIndex(JAVA_FLOAT_UNALIGNED, row);
        }
        return sum;
    }

    /** The number of targets that are not {@code ignoreIndex}. */
    static long counted(MemorySegment targets, int rows, long ignoreIndex) {
        Buffers.longs("targets", targets, rows);
        return IntStream.range(0, rows).filter(row -> target(targets, row) != ignoreIndex).count();
    }

    /** The target of a row. */
    static long target(MemorySegment targets, int row) {
        return targets.getAtIndex(ValueLayout.JAVA_LONG_UNALIGNED, row);
    }

    /** Checks sizes and targets of host memory. */
    static void check(MemorySegment logits, MemorySegment targets, MemorySegment losses, int rows, int vocabulary,
            long ignoreIndex) {
        checkSizes(logits, targets, losses, rows, vocabulary, DType.FP32);
        for (var row = 0; row < rows; row++) {
            var target = target(targets, row);
            if (target != ignoreIndex && (target < 0 || target >= vocabulary)) {
                throw new IllegalArgumentException("expected targets of 0 to " + (vocabulary - 1) + " or " + ignoreIndex
                        + ", found " + target + " in row " + row);
            }
        }
    }

    /** Checks sizes. */
    static void checkSizes(MemorySegment logits, MemorySegment targets, MemorySegment losses, int rows, int vocabulary,
            DType dtype) {
        Buffers.atLeast("rows", 0, rows);
        Buffers.atLeast("vocabulary", 1, vocabulary);
        Buffers.elements("logits", logits, (long) rows * vocabulary, dtype);
        Buffers.longs("targets", targets, rows);
        Buffers.floats("losses", losses, rows);
    }
}
