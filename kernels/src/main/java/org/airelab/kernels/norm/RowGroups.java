package org.airelab.kernels.norm;

import org.airelab.kernels.DType;
import org.airelab.kernels.cuda.HeldRows;
import org.airelab.kernels.cuda.KernelSource;
import org.airelab.kernels.cuda.Launch;
import org.airelab.kernels.cuda.RowSharing;

/**
 * Groups of rows whose sums a norm's CUDA rung forms first, before it adds these up: like all orders of sums they
 * depend on the shape alone, those of the rung block also on the number of multiprocessors.
 *
 * @param count at least 1, each of them with rows
 */
record RowGroups(int count) {
    /** Enough blocks to fill a GPU, few enough that the groups' sums are small beside what is summed. */
    private static final int MOST = 512;
    /** Chunks of 16 bytes of dy and of x that a thread holds beside its sums. */
    private static final int WIDE = 2;
    private static final int NARROW = 4;
    /** Threads that a multiprocessor has 128 registers for, and those that it has 168 for, which NARROW chunks take. */
    private static final int THREADS = 512;
    private static final int FEWER_THREADS = 384;
    private static final int TOTALS_THREADS = 1024;
    private static final int TOTALS_COLUMNS = 32;

    /** Of the rungs before block: rows that follow one another. */
    static RowGroups of(int rows, RowSharing sharing) {
        return new RowGroups((rows - 1) / each(rows, sharing) + 1);
    }

    /** Rows of a group of the rungs before block; the last may have fewer. */
    static int each(int rows, RowSharing sharing) {
        return sharing == RowSharing.NAIVE ? rows : (rows - 1) / MOST + 1;
    }

    /**
     * Of the rung block: a group for each block, as many as a device holds at once where there are rows for them. The
     * rows of a block lie a grid apart, so that what all blocks read at a time lies side by side.
     */
    static RowGroups of(int rows, HeldRows held, boolean ofSum, int multiprocessors) {
        return new RowGroups(Math.min(held.blocks(rows), resident(held, ofSum) * multiprocessors));
    }

    /** How the rung block's backward pass holds rows. */
    static HeldRows held(DType dtype, int width) {
        return HeldRows.of(dtype, width, WIDE, NARROW, THREADS);
    }

    /** Blocks of a multiprocessor; a third matrix takes registers, too. */
    private static int resident(HeldRows held, boolean ofSum) {
        return Math.max(1, (ofSum || held.held() == NARROW ? FEWER_THREADS : THREADS) / held.block());
    }

    /** The launch of the rung block's backward pass. */
    Launch launch(KernelSource source, String entry, HeldRows held, boolean ofSum) {
        return held.blocks(source.with("RESIDENT", resident(held, ofSum)), entry, count);
    }

    /** The launch that adds up the sums of all groups, for one array or two. */
    static Launch totals(DType dtype, int width, int arrays) {
        return new Launch(KernelSource.of("norm/column-totals.cu", dtype).with("BLOCK", TOTALS_THREADS),
                "column_totals", (width - 1) / TOTALS_COLUMNS + 1, arrays, 1, TOTALS_THREADS, 0, 1);
    }

    /** Bytes of the sums of all groups. */
    long bytes(int width) {
        return (long) Float.BYTES * count * width;
    }
}
