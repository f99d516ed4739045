package org.airelab.distributed.group.shm;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.function.BooleanSupplier;
import org.airelab.base.UserError;
import org.airelab.distributed.group.Call;
import org.airelab.distributed.group.Failures;
import org.airelab.distributed.group.Limits;
import org.airelab.distributed.group.ProcessGroup;
import org.airelab.distributed.group.shm.Board.Counter;

/**
 * How a rank waits for others: it spins for a while, then sleeps, and gives up when
 * they cannot come any more.
 */
final class Patience {
    /** A struct timespec of 50 ms. */
    private static final MemorySegment TICK = Arena.global().allocateFrom(JAVA_LONG, 0, 50_000_000);
    /**
     * Nanoseconds of spinning for a rank to come to a collective: it may be long, and there is better use for the core.
     */
    private static final long SPIN_FOR_ARRIVAL = 50_000;
    /**
     * For data of a collective under way. Several times what waking up takes: else one late wake-up lets the other rank
     * fall asleep, whose waking up is late in turn, and so on at every stage.
     */
    private static final long SPIN_FOR_DATA = 400_000;
    /** Where ranks share processors, whoever spins keeps from working the rank it waits for. */
    private static final long SPIN_WHEN_CROWDED = 2_000;
    private static final int LOOKS_BETWEEN_CLOCKS = 32;

    private final ProcessGroup group;
    private final Board board;
    private final Limits limits;
    private final boolean crowded;

    Patience(ProcessGroup group, Board board, Limits limits) {
        this.group = group;
        this.board = board;
        this.limits = limits;
        this.crowded = board.sharers(group.rank()) > Runtime.getRuntime().availableProcessors();
    }

    /** Waits until a counter of another rank is at least {@code value}. */
    void until(int peer, Counter counter, long value, Call call) {
        until(peer, call, counter == Counter.ANNOUNCED ? SPIN_FOR_ARRIVAL : SPIN_FOR_DATA,
                () -> board.count(peer, counter) >= value);
    }

    /** Waits for the same of all other ranks. */
    void untilAll(Counter counter, long value, Call call) {
        for (int i = 0; i < board.size(); i++) {
            if (i != group.rank()) {
                until(i, counter, value, call);
            }
        }
    }

    /** Waits for what another rank does and rings its bell for. */
    void until(int peer, Call call, BooleanSupplier arrived) {
        until(peer, call, SPIN_FOR_DATA, arrived);
    }

    private void until(int peer, Call call, long spinNanos, BooleanSupplier arrived) {
        if (!arrived.getAsBoolean() && !spin(crowded ? SPIN_WHEN_CROWDED : spinNanos, arrived)) {
            sleep(peer, call, arrived);
        }
    }

    private static boolean spin(long nanos, BooleanSupplier arrived) {
        long start = System.nanoTime();
        do {
            for (int i = 0; i < LOOKS_BETWEEN_CLOCKS; i++) {
                if (arrived.getAsBoolean()) {
                    return true;
                }
                Thread.onSpinWait();
            }
        } while (System.nanoTime() - start < nanos);
        return false;
    }

    private void sleep(int peer, Call call, BooleanSupplier arrived) {
        Watch watch = new Watch(board, peer, limits.silence());
        while (true) {
            int bell = board.bell(peer);
            if (arrived.getAsBoolean()) {
                return;
            }
            checkAborted();
            String trouble = watch.look();
            // Its last deed before it left or died may have been what this rank waits for.
            if (trouble != null && !arrived.getAsBoolean()) {
                throw fail(Failures.lost(group, peer, call, trouble));
            }
            Duration limit = group.limit(call, limits);
            if (watch.waited().compareTo(limit) > 0) {
                throw fail(Failures.late(group, peer, call, limit));
            }
            board.sleep(peer, bell, TICK);
        }
    }

    /** Throws what ended the group, if something has. */
    void checkAborted() {
        String reason = board.aborted();
        if (reason != null) {
            throw Failures.error(reason);
        }
    }

    /** Ends the group for all ranks; to be thrown, for the reason that was given first. */
    UserError fail(String sentence) {
        board.abort(sentence);
        String first = board.aborted();
        return Failures.error(first == null ? sentence : first);
    }
}
