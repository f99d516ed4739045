package org.airelab.distributed.comm;

/**
 * A collective's time at one size.
 *
 * @param bytes   of the whole array: all ranks' blocks of an all-gather and a reduce-scatter
 * @param size    ranks
 * @param nanos   median over repetitions of the slowest rank's time of one call
 * @param least   the shortest repetition's
 * @param longest the longest repetition's
 */
record Measured(Timed timed, long bytes, int size, double nanos, double least, double longest) {
    /** Bytes of the array by time, in GB/s (10^9): nccl-tests' algbw. */
    double algorithmBandwidth() {
        return bytes / nanos;
    }

    /**
     * What each link between ranks carries in an optimal algorithm, in GB/s: nccl-tests' busbw. (nccl-tests,
     * doc/PERFORMANCE.md.) Of what is no collective, what each rank reads.
     */
    double busBandwidth() {
        double share = (double) (size - 1) / size;
        return algorithmBandwidth() * switch (timed) {
            case ALL_REDUCE -> 2 * share;
            case REDUCE_SCATTER, ALL_GATHER -> share;
            case BROADCAST, SEND_RECEIVE, REWRITE, COPY -> 1;
        };
    }
}
