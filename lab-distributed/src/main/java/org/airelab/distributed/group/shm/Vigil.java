package org.airelab.distributed.group.shm;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.airelab.base.Threads;
import org.airelab.distributed.group.Limits;
import org.airelab.distributed.group.ProcessGroup;

/**
 * Looks after a group's other ranks whatever this one is at, as {@link Patience} does while this one waits for them,
 * and after what other ranks have found.
 */
final class Vigil {
    private final ProcessGroup group;
    private final Board board;
    private final Consumer<String> told;
    /** Of the other ranks; null at this one's place. */
    private final List<Watch> watches = new ArrayList<>();
    private final Thread thread;
    private volatile boolean over;

    /** Begins. {@code told} is given, once, why the group has failed. */
    Vigil(ProcessGroup group, Board board, Limits limits, Consumer<String> told) {
        this.group = group;
        this.board = board;
        this.told = told;
        for (int i = 0; i < board.size(); i++) {
            watches.add(i == group.rank() ? null : new Watch(board, i, limits.silence()));
        }
        this.thread = Thread.ofPlatform().daemon().name("group " + group.name() + " vigil").start(this::run);
    }

    private void run() {
        while (!over) {
            look();
            String reason = board.aborted();
            if (reason != null) {
                told.accept(reason);
                return;
            }
            try {
                Thread.sleep(Pulse.PERIOD_MILLIS);
            } catch (InterruptedException e) {
                // To look whether it is over.
            }
        }
    }

    private void look() {
        for (int i = 0; i < watches.size(); i++) {
            String trouble = i == group.rank() ? null : watches.get(i).look();
            // Who has left is missed by nobody here, and may have ended between two looks at the board.
            if (trouble != null && !board.left(i)) {
                board.abort(group.who(i) + " " + trouble);
            }
        }
    }

    /** Afterwards the board's memory is no longer touched. */
    void close() {
        over = true;
        thread.interrupt();
        Threads.join(thread);
    }
}
