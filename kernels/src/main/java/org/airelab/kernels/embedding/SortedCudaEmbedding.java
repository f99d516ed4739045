package org.airelab.kernels.embedding;

import java.lang.foreign.MemorySegment;
import org.airelab.kernels.DType;
import org.airelab.kernels.cpu.Parallel;
import org.airelab.kernels.cuda.KernelSource;
import org.airelab.kernels.cuda.Launch;
import org.airelab.kernels.cuda.Launcher;
import org.airelab.kernels.cuda.RowSharing;

/** {@code embedding/sorted.cu}, after {@code embedding/sort.cu} where it sums. */
final class SortedCudaEmbedding implements Embedding {
    private static final int CHUNK_BYTES = 16;
    private static final int MOST_THREADS = 128;
    /** Threads that a multiprocessor holds at once while it sums, with 64 registers each. */
    private static final int RESIDENT_THREADS = 1024;
    /** Of the blocks that sort. */
    private static final int THREADS = 128;
    /** Keys that are sorted by counting. */
    private static final int TILE = 1024;
    /** Sorted runs that are merged at once. */
    private static final int MOST_WAYS = 32;
    /** Places a block sums up: few, that there are blocks enough; their parts of longer sums take little memory. */
    private static final int EACH = 32;
    private final Launcher launcher;
    private final DType dtype;

    SortedCudaEmbedding(Launcher launcher, DType dtype) {
        this.launcher = launcher;
        this.dtype = dtype;
    }

    @Override
    public String name() {
        return "sorted";
    }

    private int chunks(int width) {
        return Parallel.pieces((long) width * dtype.bytes(), CHUNK_BYTES);
    }

    private KernelSource source(int threads) {
        return KernelSource.of("embedding/sorted.cu", dtype).with("BLOCK", threads).with("EACH", EACH)
                .with("RESIDENT", RESIDENT_THREADS / threads);
    }

    @Override
    public void gather(MemorySegment weight, MemorySegment ids, MemorySegment out, int count, int vocabulary,
            int width) {
        Embedding.checkSizes(weight, ids, out, count, vocabulary, width, dtype);
        if (count > 0) {
            var threads = RowSharing.threads(chunks(width), MOST_THREADS);
            launcher.launch(Launch.of(source(threads), "embedding_gather", count, threads), weight, ids, out,
                    vocabulary, width);
        }
    }

    @Override
    public void scatterAdd(MemorySegment dOut, MemorySegment ids, MemorySegment dWeight, int count, int vocabulary,
            int width) {
        Embedding.checkSizes(dWeight, ids, dOut, count, vocabulary, width, dtype);
        if (count == 0) {
            return;
        }
        var pieces = Parallel.pieces(count, EACH);
        var keyBytes = (long) Long.BYTES * count;
        var partialBytes = 2L * Float.BYTES * pieces * width;
        var memory = launcher.temporary(2 * keyBytes + partialBytes);
        var keys = sort(ids, memory.asSlice(0, keyBytes), memory.asSlice(keyBytes, keyBytes), count, vocabulary);
        var partials = memory.asSlice(2 * keyBytes, partialBytes);
        var threads = RowSharing.threads(chunks(width), MOST_THREADS);
        var columns = Parallel.pieces(chunks(width), threads);
        launcher.launch(new Launch(source(threads), "embedding_sums", pieces, columns, 1, threads, 0, 1), dOut, keys,
                dWeight, partials, count, width);
        launcher.launch(new Launch(source(threads), "embedding_joints", pieces, columns, 1, threads, 0, 1), keys,
                partials, dWeight, count, width);
    }

    /** The sorted keys, in one of two buffers. */
    private MemorySegment sort(MemorySegment ids, MemorySegment keys, MemorySegment others, int count, int vocabulary) {
        var blocks = Parallel.pieces(count, THREADS);
        launcher.launch(Launch.of(sort(count, TILE), "embedding_tiles", blocks, THREADS), ids, keys, count, vocabulary);
        var from = keys;
        var to = others;
        for (var run = (long) TILE; run < count; run *= ways(count, run)) {
            launcher.launch(Launch.of(sort(count, run), "embedding_merge", blocks, THREADS), from, to, count,
                    (int) run);
            var sorted = to;
            to = from;
            from = sorted;
        }
        return from;
    }

    private static KernelSource sort(int count, long run) {
        return KernelSource.of("embedding/sort.cu").with("BLOCK", THREADS).with("TILE", TILE)
                .with("WAYS", ways(count, run));
    }

    /** How many runs are merged at once: a power of two, and no more than there are, but 2. */
    private static int ways(int count, long run) {
        var ways = 2;
        while (ways < MOST_WAYS && ways * run < count) {
            ways *= 2;
        }
        return ways;
    }
}
