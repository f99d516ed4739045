package org.airelab.kernels.embedding;

import java.util.EnumSet;
import java.util.List;
import org.airelab.kernels.DType;
import org.airelab.kernels.cuda.CudaRung;

/** The CUDA ladder of {@link Embedding}. */
final class CudaEmbeddings {
    private CudaEmbeddings() {}

    static List<CudaRung<Embedding>> rungs() {
        return List.of(
                CudaRung.portable("naive", EnumSet.allOf(DType.class), NaiveCudaEmbedding::new),
                CudaRung.portable("sorted", EnumSet.allOf(DType.class), SortedCudaEmbedding::new));
    }
}
