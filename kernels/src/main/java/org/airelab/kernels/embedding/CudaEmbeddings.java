package org.airelab.kernels.embedding;

import java.util.EnumSet;
import java.util.List;
import org.airelab.kernels.DType;
import org.airelab.kernels.cuda.CudaRung;

/** The CUDA ladder of {@link Embedding}. */
final class CudaEmbeddings {
    /** The first architecture that converts to and from bfloat16. */
    private static final int AMPERE = 80;

    private CudaEmbeddings() {}

    static List<CudaRung<Embedding>> rungs() {
        return List.of(
                new CudaRung<>("naive", EnumSet.allOf(DType.class), AMPERE, true, NaiveCudaEmbedding::new),
                new CudaRung<>("sorted", EnumSet.allOf(DType.class), AMPERE, true, SortedCudaEmbedding::new));
    }
}
