package org.airelab.distributed.group.shm;

/**
 * How an array is cut into stages of one share for each rank, in elements.
 *
 * @param size   ranks
 * @param share  elements of a share in a full stage
 * @param block  elements of a rank's block, where ranks have blocks; else 0
 * @param count  elements of the whole array
 */
record Cut(int size, long share, long block, long count) {
    private static final int LINE = 64;

    /** An array without blocks: a stage holds successive elements, a share for each rank. */
    static Cut ofWhole(int size, long count, int bytes) {
        long share = Math.min(largest(size, bytes), lines(Math.ceilDiv(count, size), bytes));
        return new Cut(size, share, 0, count);
    }

    /** An array of a block for each rank: a stage holds successive elements of every block. */
    static Cut ofBlocks(int size, long block, int bytes) {
        return new Cut(size, Math.min(largest(size, bytes), lines(block, bytes)), block, size * block);
    }

    /** Shares begin at cache lines. */
    private static long largest(int size, int bytes) {
        return Board.STAGE_BYTES / size / LINE * LINE / bytes;
    }

    private static long lines(long count, int bytes) {
        int perLine = LINE / bytes;
        return Math.ceilDiv(count, perLine) * perLine;
    }

    /** The number of stages. */
    long stages() {
        return block > 0 ? Math.ceilDiv(block, share) : Math.ceilDiv(count, share * size);
    }

    /** Where a rank's share begins in the array; beyond its end when the share is empty. */
    long from(long stage, int rank) {
        return block > 0 ? rank * block + stage * share : (stage * size + rank) * share;
    }

    /** Elements of a rank's share. */
    long length(long stage, int rank) {
        long end = block > 0 ? (rank + 1) * block : count;
        return Math.clamp(end - from(stage, rank), 0, share);
    }
}
