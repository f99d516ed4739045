package org.airelab.benchmarks.kernels.gpu;

/** How many copies of a workload's memory its calls go round. */
public final class Rotation {
    /** Nodes of a graph, and so copies, that take no more than some milliseconds to capture. */
    static final int MOST = 1024;
    /** Results of a library, and its and our temporary memory, take as much as the copies again. */
    private static final long SHARE = 3;

    private Rotation() {
    }

    /**
     * As many copies as are together twice as large as the L2 cache: one of a workload that is, as its own call leaves
     * nothing of its beginning there. No more than {@link #MOST}, so that what takes less than 1/512 of the L2 is found
     * in it; and no more than a third of the free memory holds, but for the first.
     *
     * @param footprint bytes of a copy
     * @param l2        bytes of the cache
     * @param free      bytes of free memory
     * @throws IllegalArgumentException when one copy does not fit
     */
    public static int copies(long footprint, long l2, long free) {
        long wanted = Math.clamp((2 * l2 + footprint - 1) / footprint, 1, MOST);
        long room = free / SHARE / footprint;
        if (room == 0 && footprint > free) {
            throw new IllegalArgumentException("expected memory of at most " + free + " bytes, found a workload of "
                    + footprint);
        }
        return (int) Math.max(1, Math.min(wanted, room));
    }
}
