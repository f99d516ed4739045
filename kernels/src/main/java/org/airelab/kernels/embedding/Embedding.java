package org.airelab.kernels.embedding;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import org.airelab.kernels.Family;
import org.airelab.kernels.Rung;
import org.airelab.kernels.cpu.Buffers;

/**
 * Rows of a table by number, and the sum of gradients back into the table.
 *
 * <p>Tables are float32 [vocabulary, width], ids int64 [count], rows float32 [count, width]. Sizes that do not fit and
 * ids outside [0, vocabulary) are an {@link IllegalArgumentException}, raised before anything is written.
 */
public interface Embedding extends Rung {
    Family<Embedding> FAMILY =
            new Family<>("embedding", new ReferenceEmbedding(), List.of(new ScalarEmbedding(), new VectorEmbedding()));

    /** Copies row {@code ids[i]} of {@code weight} to row i of {@code out}. */
    void gather(MemorySegment weight, MemorySegment ids, MemorySegment out, int count, int vocabulary, int width);

    /** Adds row i of {@code dOut} to row {@code ids[i]} of {@code dWeight}, in the order of i for each row. */
    void scatterAdd(MemorySegment dOut, MemorySegment ids, MemorySegment dWeight, int count, int vocabulary, int width);

    /** The i-th id. */
    static long id(MemorySegment ids, int i) {
        return ids.getAtIndex(ValueLayout.JAVA_LONG_UNALIGNED, i);
    }

    /** Checks sizes and ids. */
    static void check(MemorySegment table, MemorySegment ids, MemorySegment rows, int count, int vocabulary,
            int width) {
        Buffers.atLeast("count", 0, count);
        Buffers.atLeast("vocabulary", 1, vocabulary);
        Buffers.atLeast("width", 1, width);
        Buffers.floats("the table", table, (long) vocabulary * width);
        Buffers.longs("ids", ids, count);
        Buffers.floats("the rows", rows, (long) count * width);
        for (var i = 0; i < count; i++) {
            var id = id(ids, i);
            if (id < 0 || id >= vocabulary) {
                throw new IllegalArgumentException(
                        "expected ids of 0 to " + (vocabulary - 1) + ", found " + id + " at " + i);
            }
        }
    }
}
