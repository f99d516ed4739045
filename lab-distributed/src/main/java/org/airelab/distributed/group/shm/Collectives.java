package org.airelab.distributed.group.shm;

import java.lang.foreign.MemorySegment;
import java.util.stream.IntStream;
import org.airelab.distributed.group.Call;
import org.airelab.distributed.group.Call.Kind;
import org.airelab.distributed.group.Failures;
import org.airelab.distributed.group.ProcessGroup;
import org.airelab.distributed.group.shm.Board.Counter;

/** Runs a group's collectives, on one thread: ranks announce and compare their calls, then move the data. */
final class Collectives {
    private final ProcessGroup group;
    private final Board board;
    private final Patience patience;
    private final Allocations allocations;
    private final Staged staged;
    private final Direct direct;
    private long number;
    /** Stages all collectives so far have taken. */
    private long stages;

    Collectives(ProcessGroup group, Board board, Patience patience, Allocations allocations) {
        this.group = group;
        this.board = board;
        this.patience = patience;
        this.allocations = allocations;
        Reducer reducer = new Reducer();
        this.staged = new Staged(board, patience, reducer, group.rank());
        this.direct = new Direct(reducer, group.rank());
    }

    void run(Call call, MemorySegment input, MemorySegment output) {
        board.announce(group.rank(), ++number, call, allocations.find(input));
        compare(call);
        if (call.count() == 0) {
            return;
        }
        if (inShared(call)) {
            direct.run(call, IntStream.range(0, group.size()).mapToLong(i -> address(i)).toArray(),
                    output.address());
            stages++;
            board.stages(group.rank(), stages);
            // The others' arrays may still be read, and written, by those that are not done.
            patience.untilAll(Counter.DRAINED, stages, call);
        } else {
            stages += staged.run(call, stages, input.address(), output.address());
            board.stages(group.rank(), stages);
        }
    }

    private void compare(Call call) {
        for (int i = 0; i < group.size(); i++) {
            if (i != group.rank()) {
                patience.until(i, Counter.ANNOUNCED, number, call);
                Call others = board.call(i, number);
                if (!others.equals(call)) {
                    throw patience.fail(Failures.mismatch(group, number, call, i, others));
                }
            }
        }
    }

    /** Whether all arrays that other ranks read lie where they can. */
    private boolean inShared(Call call) {
        if (call.kind() == Kind.BROADCAST) {
            return board.place(call.partner(), number).shared();
        }
        return IntStream.range(0, group.size()).allMatch(i -> board.place(i, number).shared());
    }

    private long address(int rank) {
        Place place = board.place(rank, number);
        return place.shared() ? allocations.address(rank, place) : 0;
    }
}
