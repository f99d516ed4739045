package org.airelab.kernels.embedding;

import java.lang.foreign.MemorySegment;
import org.airelab.kernels.DType;
import org.airelab.kernels.cpu.Parallel;
import org.airelab.kernels.cuda.KernelSource;
import org.airelab.kernels.cuda.Launch;
import org.airelab.kernels.cuda.Launcher;

/** {@code embedding/naive.cu}. */
final class NaiveCudaEmbedding implements Embedding {
    private static final int THREADS = 128;
    private final Launcher launcher;
    private final DType dtype;
    private final KernelSource source;

    NaiveCudaEmbedding(Launcher launcher, DType dtype) {
        this.launcher = launcher;
        this.dtype = dtype;
        this.source = KernelSource.of("embedding/naive.cu", dtype).with("BLOCK", THREADS);
    }

    @Override
    public String name() {
        return "naive";
    }

    @Override
    public void gather(MemorySegment weight, MemorySegment ids, MemorySegment out, int count, int vocabulary,
            int width) {
        Embedding.checkSizes(weight, ids, out, count, vocabulary, width, dtype);
        if (count > 0) {
            var elements = (long) count * width;
            launcher.launch(Launch.of(source, "embedding_gather", Parallel.pieces(elements, THREADS), THREADS), weight,
                    ids, out, elements, vocabulary, width);
        }
    }

    @Override
    public void scatterAdd(MemorySegment dOut, MemorySegment ids, MemorySegment dWeight, int count, int vocabulary,
            int width) {
        Embedding.checkSizes(dWeight, ids, dOut, count, vocabulary, width, dtype);
        if (count > 0) {
            var columns = Parallel.pieces(width, THREADS);
            launcher.launch(new Launch(source, "embedding_scatter_add", count, columns, 1, THREADS, 0, 1), dOut, ids,
                    dWeight, count, vocabulary, width);
        }
    }
}
