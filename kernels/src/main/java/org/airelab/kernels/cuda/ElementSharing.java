package org.airelab.kernels.cuda;

import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.airelab.kernels.DType;
import org.airelab.kernels.Rung;

/** How elements that do not depend on each other are shared out among threads: the steps of such kernels' ladders. */
public enum ElementSharing {
    /** An element a thread. */
    NAIVE,
    /** 16 bytes a thread. */
    VECTORIZED;

    private static final int THREADS = 256;
    private static final int CHUNK_BYTES = 16;

    /** The ladder of a family: a rung for each way. */
    public static <R extends Rung> List<CudaRung<R>> ladder(Set<DType> dtypes,
            CudaRung.Maker<ElementSharing, R> maker) {
        return CudaRung.ladder(values(), dtypes, maker);
    }

    /** The source of this way: {@code family} is the beginning of its name, such as {@code activation/}. */
    public KernelSource source(String family, DType dtype) {
        return KernelSource.of(family + this + ".cu", dtype).with("BLOCK", THREADS);
    }

    /** A launch with a thread for each element, at least 1, or for each chunk of 16 bytes. */
    public Launch launch(KernelSource source, String entry, long elements, DType dtype) {
        // A thread more, as there may be a chunk that begins before the elements do.
        var threads = this == NAIVE ? elements : (elements - 1) / (CHUNK_BYTES / dtype.bytes()) + 2;
        return Launch.of(source, entry, Math.toIntExact((threads - 1) / THREADS + 1), THREADS);
    }

    /** The name of the rung, and the end of its source's. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
