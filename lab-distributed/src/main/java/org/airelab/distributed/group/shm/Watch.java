package org.airelab.distributed.group.shm;

import java.time.Duration;
import org.airelab.distributed.group.Failures;

/** Looks, while a rank waits for another one, whether that one can still come. */
final class Watch {
    /** How often: a look costs a read of a file in {@code /proc}. */
    private static final long PERIOD_NANOS = Pulse.PERIOD_MILLIS * 1_000_000;

    private final Board board;
    private final int peer;
    private final Duration silence;
    private long pulse;
    private long lastLook = System.nanoTime();
    private long waitedNanos;
    private long stillNanos;

    Watch(Board board, int peer, Duration silence) {
        this.board = board;
        this.peer = peer;
        this.silence = silence;
        this.pulse = board.pulse(peer);
    }

    /** How long this rank has waited. */
    Duration waited() {
        return Duration.ofNanos(waitedNanos);
    }

    /** What is wrong with the other rank, as the end of a sentence; null when nothing is. */
    String look() {
        long sinceLook = System.nanoTime() - lastLook;
        if (sinceLook < PERIOD_NANOS) {
            return board.left(peer) ? "has left" : null;
        }
        lastLook += sinceLook;
        // If this process itself was stopped for an hour, the others may have been, too: that is no hour's waiting.
        long counted = Math.min(sinceLook, 2 * PERIOD_NANOS);
        waitedNanos += counted;
        stillNanos = board.pulse(peer) == pulse ? stillNanos + counted : 0;
        pulse = board.pulse(peer);
        if (board.left(peer)) {
            return "has left";
        }
        if (board.process(peer).ended()) {
            return "(" + board.process(peer) + ") has died";
        }
        return stillNanos < silence.toNanos() ? null
                : "(" + board.process(peer) + ") " + Failures.silent(silence);
    }
}
