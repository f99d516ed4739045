package org.airelab.distributed.group.mpi;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;

/** Operations of MPI under way. */
final class Requests {
    private static final MemorySegment FLAG = Arena.global().allocate(JAVA_INT);
    /** Used again and again: an operation of a small collective should not allocate. */
    private static final ArrayDeque<MemorySegment> FREE = new ArrayDeque<>();

    private final List<MemorySegment> pending = new ArrayList<>();

    /** Starts an operation of MPI, which writes its handle to the address it is given. */
    @FunctionalInterface
    interface Start {
        int run(MemorySegment request) throws Throwable;
    }

    /** Starts and adds an operation. */
    void add(Start start) {
        MemorySegment request = FREE.isEmpty() ? Arena.global().allocate(ADDRESS) : FREE.pop();
        pending.add(request);
        Mpi.check(() -> start.run(request));
    }

    /** Lets MPI work; whether all are done. */
    boolean done() {
        while (!pending.isEmpty()) {
            MemorySegment request = pending.getFirst();
            Mpi.check(() -> (int) Mpi.TEST.invokeExact(request, FLAG, MemorySegment.NULL));
            if (FLAG.get(JAVA_INT, 0) == 0) {
                return false;
            }
            FREE.push(pending.removeFirst());
        }
        return true;
    }

    /** How many are not known to be done: those from the first one on that is not. */
    int pending() {
        return pending.size();
    }
}
