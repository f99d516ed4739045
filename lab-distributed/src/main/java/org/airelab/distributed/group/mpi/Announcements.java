package org.airelab.distributed.group.mpi;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import org.airelab.distributed.group.Call;

/**
 * What ranks tell each other before a collective: which it is, or why there will be no more. A message to every rank,
 * not a collective of MPI's, because then it is known whose is missing.
 */
final class Announcements {
    /** Bytes of one: the number of the collective, the call, and room for a reason. */
    static final int BYTES = 512;
    private static final long ABORT = -1;

    private final MemorySegment memory;

    Announcements(int size, Arena arena) {
        memory = arena.allocate((long) size * BYTES, Long.BYTES);
    }

    long address(int rank) {
        return memory.address() + (long) rank * BYTES;
    }

    private MemorySegment of(int rank) {
        return memory.asSlice((long) rank * BYTES, BYTES);
    }

    void write(int rank, Call call) {
        of(rank).set(JAVA_LONG, 0, 0);
        call.write(of(rank), Long.BYTES);
    }

    void writeAbort(int rank, String reason) {
        byte[] text = reason.getBytes(StandardCharsets.UTF_8);
        of(rank).set(JAVA_LONG, 0, ABORT);
        MemorySegment.copy(text, 0, of(rank), JAVA_BYTE, Long.BYTES, Math.min(text.length, BYTES - Long.BYTES - 1));
    }

    /** Why a rank will not take part; null when it does. */
    String aborted(int rank) {
        return of(rank).get(JAVA_LONG, 0) == ABORT ? of(rank).getString(Long.BYTES, StandardCharsets.UTF_8) : null;
    }

    Call call(int rank) {
        return Call.read(of(rank), Long.BYTES);
    }
}
