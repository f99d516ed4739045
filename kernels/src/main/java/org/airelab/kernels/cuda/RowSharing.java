package org.airelab.kernels.cuda;

import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import org.airelab.kernels.DType;
import org.airelab.kernels.Rung;

/**
 * How the rows of a matrix are shared out among threads: the steps of the ladders of the norms, of softmax and of
 * cross-entropy.
 */
public enum RowSharing {
    /** A thread a row. */
    NAIVE,
    /** A warp a row. */
    WARP,
    /** A block a row, or a warp if that suffices, read 16 bytes at a time and held in registers as far as it fits. */
    BLOCK;

    /** Threads of a block where it is not the row that decides. */
    private static final int THREADS = 128;
    private static final int WARP_SIZE = 32;
    /** Chunks of 16 bytes a thread holds at most: 16 registers for each tensor. */
    private static final int HELD = 4;

    /** The ladder of a family: a rung for each way, in every element type. */
    public static <R extends Rung> List<CudaRung<R>> ladder(CudaRung.Maker<RowSharing, R> maker) {
        return CudaRung.ladder(values(), EnumSet.allOf(DType.class), maker);
    }

    /**
     * A launch over rows, none of which waits for another.
     *
     * @param family      beginning of the source's name, such as {@code norm/rms-norm-}; the way's name follows
     * @param rows        at least 1
     * @param mostThreads threads of a block that the kernel has registers for, a multiple of 32
     */
    public Launch launch(String family, String entry, DType dtype, int rows, int width, int mostThreads) {
        return launch(KernelSource.of(family + this + ".cu", dtype), entry, dtype, rows, width, mostThreads);
    }

    /** The same of a source of this way. */
    public Launch launch(KernelSource source, String entry, DType dtype, int rows, int width, int mostThreads) {
        if (this == BLOCK) {
            return HeldRows.of(dtype, width, HELD, HELD, mostThreads).launch(source, entry, rows);
        }
        return Launch.of(source.with("BLOCK", THREADS), entry,
                blocks(rows, this == NAIVE ? THREADS : THREADS / WARP_SIZE), THREADS);
    }

    /** Threads of a block for so many chunks of 16 bytes: a power of two, at least a warp. */
    public static int threads(int chunks, int mostThreads) {
        return Math.clamp(powerOfTwo(chunks), WARP_SIZE, mostThreads);
    }

    /** A launch with a thread for each column and each of {@code groups} groups of rows. */
    public static Launch columns(String source, String entry, DType dtype, int width, int groups) {
        return new Launch(KernelSource.of(source, dtype).with("BLOCK", THREADS), entry, blocks(width, THREADS), groups,
                1, THREADS, 0, 1);
    }

    private static int blocks(int count, int each) {
        return (count - 1) / each + 1;
    }

    private static int powerOfTwo(int least) {
        return least <= 1 ? 1 : Integer.highestOneBit(least - 1) << 1;
    }

    /** The name of the rung, and the end of its source's. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
