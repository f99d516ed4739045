package org.airelab.distributed.group.shm;

import org.airelab.distributed.group.Call;
import org.airelab.kernels.cpu.Lanes;

/**
 * Collectives on arrays that lie in memory all ranks share: nothing is copied but results. An all-reduce reads each
 * element of each rank once and writes it once.
 */
final class Direct {
    private final Reducer reducer;
    private final int rank;

    Direct(Reducer reducer, int rank) {
        this.reducer = reducer;
        this.rank = rank;
    }

    /**
     * Runs a collective.
     *
     * @param inputs where this process finds each rank's array; in a broadcast, the sender's counts
     */
    void run(Call call, long[] inputs, long output) {
        switch (call.kind()) {
            case ALL_REDUCE -> allReduce(call, inputs);
            case REDUCE_SCATTER -> {
                long[] blocks = inputs.clone();
                for (int i = 0; i < blocks.length; i++) {
                    blocks[i] += rank * call.bytes();
                }
                reducer.reduce(call.type(), call.reduction(), blocks, new long[] {output}, call.count());
            }
            case ALL_GATHER -> {
                for (int i = 0; i < inputs.length; i++) {
                    copy(inputs[i], output + i * call.bytes(), call.bytes());
                }
            }
            case BROADCAST -> {
                if (rank != call.partner()) {
                    copy(inputs[call.partner()], output, call.bytes());
                }
            }
            default -> throw new IllegalArgumentException(call.kind() + " moves nothing");
        }
    }

    /** Every rank reduces a part of the array, for all. */
    private void allReduce(Call call, long[] arrays) {
        int bytes = call.type().bytes();
        long share = Math.ceilDiv(Math.ceilDiv(call.count(), arrays.length) * bytes, 64L) * 64 / bytes;
        long from = Math.min(rank * share, call.count());
        long[] parts = arrays.clone();
        for (int i = 0; i < parts.length; i++) {
            parts[i] += from * bytes;
        }
        reducer.reduce(call.type(), call.reduction(), parts, parts, Math.min(share, call.count() - from));
    }

    private static void copy(long from, long to, long bytes) {
        if (from != to) {
            Lanes.copy(from, to, bytes);
        }
    }
}
