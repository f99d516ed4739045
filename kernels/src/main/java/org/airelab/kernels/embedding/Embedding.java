package org.airelab.kernels.embedding;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import org.airelab.kernels.DType;
import org.airelab.kernels.Family;
import org.airelab.kernels.Rung;
import org.airelab.kernels.cpu.Buffers;
import org.airelab.kernels.cpu.Cores;

/**
 * Rows of a table by number, and the sum of gradients back into the table.
 *
 * <p>Tables are [vocabulary, width] and rows [count, width], row-major, float32 or of the rung's element type, ids
 * int64 [count]. Sizes that do not fit are an {@link IllegalArgumentException}, and so are ids outside of
 * [0, vocabulary), raised before anything is written. A rung on CUDA cannot see ids before the GPU does: there, such an
 * id gathers a row of NaN and adds nothing.
 */
public interface Embedding extends Rung {
    Family<Embedding> FAMILY = new Family<>("embedding", new ReferenceEmbedding(),
            List.of(new ScalarEmbedding(), new VectorEmbedding(Cores.ONE), new VectorEmbedding(Cores.ALL)),
            CudaEmbeddings.rungs());

    /** Copies row {@code ids[i]} of {@code weight} to row i of {@code out}. */
    void gather(MemorySegment weight, MemorySegment ids, MemorySegment out, int count, int vocabulary, int width);

    /**
     * Adds row i of {@code dOut} to row {@code ids[i]} of {@code dWeight}. The sums are of float32 or float64; their
     * order is that of i on a CPU, and depends on the ids alone on CUDA.
     */
    void scatterAdd(MemorySegment dOut, MemorySegment ids, MemorySegment dWeight, int count, int vocabulary, int width);

    /** The i-th id. */
    static long id(MemorySegment ids, int i) {
        return ids.getAtIndex(ValueLayout.JAVA_LONG_UNALIGNED, i);
    }

    /** Checks sizes and ids of host memory. */
    static void check(MemorySegment table, MemorySegment ids, MemorySegment rows, int count, int vocabulary,
            int width) {
        checkSizes(table, ids, rows, count, vocabulary, width, DType.FP32);
        for (var i = 0; i < count; i++) {
            var id = id(ids, i);
            if (id < 0 || id >= vocabulary) {
                throw new IllegalArgumentException(
                        "expected ids of 0 to " + (vocabulary - 1) + ", found " + id + " at " + i);
            }
        }
    }

    /** Checks sizes. */
    static void checkSizes(MemorySegment table, MemorySegment ids, MemorySegment rows, int count, int vocabulary,
            int width, DType dtype) {
        Buffers.atLeast("count", 0, count);
        Buffers.atLeast("vocabulary", 1, vocabulary);
        Buffers.atLeast("width", 1, width);
        Buffers.elements("the table", table, (long) vocabulary * width, dtype);
        Buffers.longs("ids", ids, count);
        Buffers.elements("the rows", rows, (long) count * width, dtype);
    }
}
