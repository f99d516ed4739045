package org.airelab.kernels.norm;

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

    static RowGroups of(int rows, RowSharing sharing) {
        var each = sharing == RowSharing.NAIVE ? rows : (rows + MOST - 1) / MOST;
        return rows == 0 ? new RowGroups(0, 1) : new RowGroups((rows - 1) / each + 1, each);
    }

    /** Bytes of the sums of all groups. */
    long bytes(int width) {
        return (long) Float.BYTES * count * width;
    }
}
