package org.airelab.distributed.group.shm;

import org.airelab.distributed.group.Call;
import org.airelab.distributed.group.shm.Board.Counter;
import org.airelab.kernels.cpu.Lanes;

/**
 * Collectives on private memory, stage by stage. To reduce, every rank copies the others' shares of a stage into its
 * own staging memory, then reduces its own share over all ranks' copies, leaving the result where it has filled in
 * nothing, then copies the others' results. Each step works some stages behind the one before it, so that a rank seldom
 * finds that another has not done its part yet. Per element and rank: (n-1)/n copied in, as many added, as many copied
 * out, all of it from and to memory that stays in the cache, but for the array itself.
 */
final class Staged {
    /**
     * Stages that each step of a reduction works behind the one before; fewer than there are. With one, whatever holds
     * a rank up for a moment holds up the others: 100 MiB between two ranks took a sixth longer.
     */
    private static final int BEHIND = 2;

    private final Board board;
    private final Patience patience;
    private final Reducer reducer;
    private final int rank;
    private final int size;

    Staged(Board board, Patience patience, Reducer reducer, int rank) {
        this.board = board;
        this.patience = patience;
        this.reducer = reducer;
        this.rank = rank;
        this.size = board.size();
    }

    /**
     * Runs a collective.
     *
     * @param base stages of the collectives before
     * @return stages of this one
     */
    long run(Call call, long base, long input, long output) {
        return switch (call.kind()) {
            case ALL_REDUCE -> reduce(call, base, Cut.ofWhole(size, call.count(), call.type().bytes()), input, output);
            case REDUCE_SCATTER ->
                    reduce(call, base, Cut.ofBlocks(size, call.count(), call.type().bytes()), input, output);
            case ALL_GATHER -> gather(call, base, input, output);
            case BROADCAST -> broadcast(call, base, output);
            default -> throw new IllegalArgumentException(call.kind() + " moves nothing");
        };
    }

    private long reduce(Call call, long base, Cut cut, long input, long output) {
        boolean all = call.kind() == Call.Kind.ALL_REDUCE;
        long stages = cut.stages();
        for (long k = 0; k < stages + 2 * BEHIND; k++) {
            if (k < stages) {
                fill(call, base, cut, k, input);
            }
            if (k >= BEHIND && k < stages + BEHIND) {
                long share = all ? cut.from(k - BEHIND, rank) : (k - BEHIND) * cut.share();
                reduceShare(call, base, cut, k - BEHIND, input, output + share * call.type().bytes());
            }
            if (k >= 2 * BEHIND && all) {
                drain(call, base, cut, k - 2 * BEHIND, output);
            }
        }
        return stages;
    }

    /** Copies what the other ranks will reduce. */
    private void fill(Call call, long base, Cut cut, long k, long input) {
        int bytes = call.type().bytes();
        patience.untilAll(Counter.REDUCED, base + k - Board.STAGES + 1, call);
        long stage = board.stage(rank, base + k);
        for (int i = 0; i < size; i++) {
            if (i != rank) {
                Lanes.copy(input + cut.from(k, i) * bytes, stage + i * cut.share() * bytes, cut.length(k, i) * bytes);
            }
        }
        board.count(rank, Counter.FILLED, base + k + 1);
    }

    private void reduceShare(Call call, long base, Cut cut, long k, long input, long output) {
        int bytes = call.type().bytes();
        long[] sources = new long[size];
        for (int i = 0; i < size; i++) {
            sources[i] = i == rank ? input + cut.from(k, rank) * bytes
                    : board.stage(i, base + k) + rank * cut.share() * bytes;
        }
        patience.untilAll(Counter.FILLED, base + k + 1, call);
        long[] targets = {output};
        if (call.kind() == Call.Kind.ALL_REDUCE) {
            patience.untilAll(Counter.DRAINED, base + k - Board.STAGES + 1, call);
            targets = new long[] {output, board.stage(rank, base + k) + rank * cut.share() * bytes};
        }
        reducer.reduce(call.type(), call.reduction(), sources, targets, cut.length(k, rank));
        board.count(rank, Counter.REDUCED, base + k + 1);
    }

    /** Copies what the other ranks have reduced. */
    private void drain(Call call, long base, Cut cut, long k, long output) {
        int bytes = call.type().bytes();
        for (int i = 0; i < size; i++) {
            if (i != rank) {
                patience.until(i, Counter.REDUCED, base + k + 1, call);
                Lanes.copy(board.stage(i, base + k) + i * cut.share() * bytes, output + cut.from(k, i) * bytes,
                        cut.length(k, i) * bytes);
            }
        }
        board.count(rank, Counter.DRAINED, base + k + 1);
    }

    private long gather(Call call, long base, long input, long output) {
        long bytes = call.bytes();
        long stages = Math.ceilDiv(bytes, Board.STAGE_BYTES);
        for (long k = 0; k < stages + 1; k++) {
            if (k < stages) {
                offer(call, base, k, input);
            }
            for (int i = 0; k >= 1 && i < size; i++) {
                if (i != rank) {
                    take(call, base, k - 1, i, output + i * bytes);
                }
            }
            if (k >= 1) {
                board.count(rank, Counter.DRAINED, base + k);
            }
        }
        if (input != output + rank * bytes) {
            Lanes.copy(input, output + rank * bytes, bytes);
        }
        return stages;
    }

    private long broadcast(Call call, long base, long values) {
        long stages = Math.ceilDiv(call.bytes(), Board.STAGE_BYTES);
        for (long k = 0; k < stages; k++) {
            if (rank == call.partner()) {
                offer(call, base, k, values);
            } else {
                take(call, base, k, call.partner(), values);
                board.count(rank, Counter.DRAINED, base + k + 1);
            }
        }
        return stages;
    }

    /** Fills a stage with this rank's successive bytes. */
    private void offer(Call call, long base, long k, long values) {
        patience.untilAll(Counter.DRAINED, base + k - Board.STAGES + 1, call);
        long from = k * Board.STAGE_BYTES;
        Lanes.copy(values + from, board.stage(rank, base + k), Math.min(Board.STAGE_BYTES, call.bytes() - from));
        board.count(rank, Counter.FILLED, base + k + 1);
    }

    /** Copies another rank's bytes of a stage. */
    private void take(Call call, long base, long k, int from, long values) {
        patience.until(from, Counter.FILLED, base + k + 1, call);
        long offset = k * Board.STAGE_BYTES;
        Lanes.copy(board.stage(from, base + k), values + offset, Math.min(Board.STAGE_BYTES, call.bytes() - offset));
    }
}
