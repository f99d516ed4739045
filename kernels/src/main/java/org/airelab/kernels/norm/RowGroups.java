package org.airelab.kernels.norm;

import org.airelab.kernels.DType;
import org.airelab.kernels.cuda.HeldRows;
import org.airelab.kernels.cuda.KernelSource;
import org.airelab.kernels.cuda.Launch;
import org.airelab.kernels.cuda.RowSharing;

/**
 * Groups of consecutive rows whose sums a norm's CUDA rung forms first, before it adds these up: like all orders of
 * sums they depend on the shape alone.
 *
 * @param count groups; 0 without rows
 * @param each  rows of a group, the last may have fewer
 */
record RowGroups(int count, int each) {
    /** Enough blocks to fill a GPU, few enough that the groups' sums are small beside what is summed. */
    private static final int MOST = 512;
    /** Chunks of 16 bytes of dy and x that a thread holds beside its sums, and of short rows. */
    private static final int HELD = 2;
    private static final int MOST_HELD = 4;
    /** Dy, x, weight and sums in registers: more threads would not have enough of these. */
    private static final int MOST_THREADS = 256;
    private static final int TOTALS_THREADS = 1024;
    private static final int TOTALS_COLUMNS = 32;

    static RowGroups of(int rows, RowSharing sharing) {
        var each = sharing == RowSharing.NAIVE ? rows : (rows + MOST - 1) / MOST;
        return rows == 0 ? new RowGroups(0, 1) : new RowGroups((rows - 1) / each + 1, each);
    }

    /** A launch of the rung block's backward pass: a block a group. */
    Launch launch(String family, String entry, DType dtype, int width) {
        return HeldRows.of(dtype, width, HELD, MOST_HELD, MOST_THREADS)
                .blocks(KernelSource.of(family + RowSharing.BLOCK + ".cu", dtype), entry, count);
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
