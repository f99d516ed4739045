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
    /** 16 bytes a thread and access, by a grid as large as the device holds at once, until none are left. */
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

    /** Threads that a line of elements, at least 1, keeps busy. */
    public long threads(long elements, DType dtype) {
        return this == NAIVE ? elements : (elements - 1) / (CHUNK_BYTES / dtype.bytes()) + 1;
    }

    /**
     * A launch over elements.
     *
     * @param threads  that there is work for, at least 1
     * @param resident blocks that a multiprocessor has registers for, which the kernel's launch bounds promise it
     */
    public Launch launch(KernelSource source, String entry, long threads, int resident, Launcher launcher) {
        var blocks = Math.toIntExact((threads - 1) / THREADS + 1);
        return this == NAIVE ? Launch.of(source, entry, blocks, THREADS)
                : Launch.of(source.with("RESIDENT", resident), entry,
                        Math.min(blocks, resident * launcher.multiprocessors()), THREADS);
    }

    /** The name of the rung, and the end of its source's. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
