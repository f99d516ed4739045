package org.airelab.distributed.group.shm;

import java.util.HashSet;
import java.util.Set;

/**
 * The sign of life of this process on every board it is on. A process that was stopped, or whose machine thrashes so
 * that it does nothing any more, gives none.
 */
final class Pulse {
    static final long PERIOD_MILLIS = 250;
    private static final Set<Place> PLACES = new HashSet<>();
    private static Thread thread;

    private Pulse() {
    }

    private record Place(Board board, int rank) {
    }

    /** Lets a rank give signs until it is removed. */
    static synchronized void add(Board board, int rank) {
        PLACES.add(new Place(board, rank));
        if (thread == null) {
            thread = Thread.ofPlatform().daemon().name("group-pulse").start(Pulse::run);
        }
    }

    /** Afterwards the board's memory is no longer touched. */
    static synchronized void remove(Board board, int rank) {
        PLACES.remove(new Place(board, rank));
    }

    private static synchronized void beat() {
        PLACES.forEach(place -> place.board.beat(place.rank));
    }

    private static void run() {
        while (true) {
            beat();
            try {
                Thread.sleep(PERIOD_MILLIS);
            } catch (InterruptedException e) {
                // Nobody has a reason to interrupt it; the others would take this process for dead.
            }
        }
    }
}
