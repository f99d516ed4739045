package org.airelab.distributed.group.shm;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.nio.charset.StandardCharsets;
import java.util.stream.IntStream;
import org.airelab.distributed.group.AllowedCores;
import org.airelab.distributed.group.Call;

/**
 * The memory of a group, and where in it lies what. Every rank has a slot that it alone writes:
 *
 * <pre>
 * header      magic, size, generation, whether all have come, why the group was aborted
 * slot 0      who it is; its pulse; its bell; its counters; its two latest announcements
 * slot ...
 * rings       for every pair of ranks, whether the sender has made their ring
 * staging     for every rank, {@link #STAGES} stages of {@link #STAGE_BYTES}
 * </pre>
 */
final class Board {
    /** Counters of a rank, which only ever grow. */
    enum Counter {
        /** Collectives it has announced. */
        ANNOUNCED,
        /** Stages it has filled, over all collectives. */
        FILLED,
        /** Stages whose share it has reduced. */
        REDUCED,
        /** Stages it has copied what it needs from. */
        DRAINED
    }

    static final int STAGES = 8;
    static final int STAGE_BYTES = 128 << 10;

    private static final long MAGIC = 0x6169_7265_6c61_6232L; // "airelab2"
    private static final int LINE = 64;
    private static final int PAGE = 4096;

    private static final int SIZE = 8;
    private static final int COMPLETE = 12;
    private static final int GENERATION = 16;
    private static final int ABORT = LINE;
    private static final int REASON = 2 * LINE;
    private static final int REASON_BYTES = 2048;
    private static final int SLOTS = PAGE;

    private static final int SLOT_BYTES = 8 * LINE;
    /** 0 at first. */
    private static final int PRESENCE = 0;
    private static final int COMING = 1;
    private static final int THERE = 2;
    private static final int LEFT = 3;
    private static final int PID = 8;
    private static final int CORES = 32;
    private static final int PULSE = LINE;
    private static final int BELL = 2 * LINE;
    private static final int SLEEPERS = BELL + 4;
    private static final int COUNTERS = 3 * LINE;
    private static final int ANNOUNCEMENTS = 4 * LINE;
    private static final int ANNOUNCEMENT_BYTES = 2 * LINE;

    private static final VarHandle INTS = JAVA_INT.varHandle();
    private static final VarHandle LONGS = JAVA_LONG.varHandle();

    private final MemorySegment memory;
    private final int size;

    /** A board in memory another rank has prepared. */
    Board(MemorySegment memory) {
        this.memory = memory;
        this.size = memory.get(JAVA_INT, SIZE);
    }

    /** Prepares a board in memory full of zeros. */
    static Board prepare(MemorySegment memory, int size, long generation) {
        memory.set(JAVA_LONG, GENERATION, generation);
        memory.set(JAVA_INT, SIZE, size);
        LONGS.setRelease(memory, 0L, MAGIC);
        return new Board(memory);
    }

    /** Whether the memory is that of a board of this version. */
    static boolean isOne(MemorySegment memory) {
        return memory.byteSize() >= PAGE && (long) LONGS.getAcquire(memory, 0L) == MAGIC
                && memory.byteSize() == bytes(memory.get(JAVA_INT, SIZE));
    }

    /** Bytes of a board. */
    static long bytes(int size) {
        return staging(size) + (long) size * STAGES * STAGE_BYTES;
    }

    private static long rings(int size) {
        return SLOTS + (long) size * SLOT_BYTES;
    }

    private static long staging(int size) {
        return Math.ceilDiv(rings(size) + (long) size * size * Integer.BYTES, PAGE) * PAGE;
    }

    int size() {
        return size;
    }

    /** A number no other group has. */
    long generation() {
        return memory.get(JAVA_LONG, GENERATION);
    }

    /** Whether all ranks have come. */
    boolean complete() {
        return (int) INTS.getAcquire(memory, (long) COMPLETE) == 1;
    }

    void isComplete() {
        INTS.setRelease(memory, (long) COMPLETE, 1);
        ring(0);
    }

    /**
     * Takes a rank's slot, unless it is taken.
     *
     * @param cores the number of those it may run on
     */
    boolean take(int rank, ProcessId process, long cores) {
        if (!INTS.compareAndSet(memory, slot(rank) + PRESENCE, 0, COMING)) {
            return false;
        }
        long at = slot(rank) + PID;
        memory.set(JAVA_LONG, at, process.pid());
        memory.set(JAVA_LONG, at + 8, process.start());
        memory.set(JAVA_LONG, at + 16, process.namespace());
        memory.set(JAVA_LONG, slot(rank) + CORES, cores);
        INTS.setRelease(memory, slot(rank) + PRESENCE, THERE);
        return true;
    }

    boolean present(int rank) {
        return (int) INTS.getAcquire(memory, slot(rank) + PRESENCE) >= THERE;
    }

    void leave(int rank) {
        INTS.setRelease(memory, slot(rank) + PRESENCE, LEFT);
        ring(rank);
    }

    boolean left(int rank) {
        return (int) INTS.getAcquire(memory, slot(rank) + PRESENCE) == LEFT;
    }

    ProcessId process(int rank) {
        long at = slot(rank) + PID;
        return new ProcessId(memory.get(JAVA_LONG, at), memory.get(JAVA_LONG, at + 8), memory.get(JAVA_LONG, at + 16));
    }

    /** How many ranks, all having come, may run on the cores of one of them, which counts too. */
    int sharers(int rank) {
        return AllowedCores.sharers(cores(rank), IntStream.range(0, size).mapToLong(this::cores));
    }

    private long cores(int rank) {
        return memory.get(JAVA_LONG, slot(rank) + CORES);
    }

    /** Shows that a rank's process still runs. */
    void beat(int rank) {
        LONGS.getAndAdd(memory, slot(rank) + PULSE, 1L);
    }

    long pulse(int rank) {
        return (long) LONGS.getVolatile(memory, slot(rank) + PULSE);
    }

    long count(int rank, Counter counter) {
        return (long) LONGS.getAcquire(memory, counter(rank, counter));
    }

    /** Sets one of the rank's own counters, with all it has written before, and wakes those that wait for it. */
    void count(int rank, Counter counter, long value) {
        LONGS.setRelease(memory, counter(rank, counter), value);
        ring(rank);
    }

    /** Sets all counters of stages: of a collective that is over, whichever of them it used. */
    void stages(int rank, long value) {
        LONGS.setRelease(memory, counter(rank, Counter.FILLED), value);
        LONGS.setRelease(memory, counter(rank, Counter.REDUCED), value);
        count(rank, Counter.DRAINED, value);
    }

    private static long counter(int rank, Counter counter) {
        return slot(rank) + COUNTERS + counter.ordinal() * Long.BYTES;
    }

    /** Wakes those that wait for news of a rank. */
    void ring(int rank) {
        // The addition is a full fence: either it sees the sleeper, or the sleeper sees the news.
        INTS.getAndAdd(memory, slot(rank) + BELL, 1);
        if ((int) INTS.getVolatile(memory, slot(rank) + SLEEPERS) != 0) {
            Futex.wake(memory.address() + slot(rank) + BELL);
        }
    }

    int bell(int rank) {
        return (int) INTS.getVolatile(memory, slot(rank) + BELL);
    }

    /** Sleeps until the rank's bell is no longer as it was, at most for {@code timeout}. */
    void sleep(int rank, int bell, MemorySegment timeout) {
        INTS.getAndAdd(memory, slot(rank) + SLEEPERS, 1);
        Futex.await(memory.address() + slot(rank) + BELL, bell, timeout);
        INTS.getAndAdd(memory, slot(rank) + SLEEPERS, -1);
    }

    /**
     * Announces a rank's collective. Two announcements are kept: a rank that announces the next one has read all of
     * the last, so that nobody reads the one before it any more.
     */
    void announce(int rank, long number, Call call, Place place) {
        long at = announcement(rank, number);
        call.write(memory, at);
        memory.set(JAVA_LONG, at + Call.BYTES, place.allocation());
        memory.set(JAVA_LONG, at + Call.BYTES + 8, place.offset());
        count(rank, Counter.ANNOUNCED, number);
    }

    Call call(int rank, long number) {
        return Call.read(memory, announcement(rank, number));
    }

    Place place(int rank, long number) {
        long at = announcement(rank, number) + Call.BYTES;
        return new Place(memory.get(JAVA_LONG, at), memory.get(JAVA_LONG, at + 8));
    }

    private static long announcement(int rank, long number) {
        return slot(rank) + ANNOUNCEMENTS + (number & 1) * ANNOUNCEMENT_BYTES;
    }

    /** Whether the sender has made the ring to a receiver. */
    boolean ringMade(int from, int to) {
        return (int) INTS.getAcquire(memory, rings(size) + (from * size + to) * 4L) != 0;
    }

    void ringIsMade(int from, int to) {
        INTS.setRelease(memory, rings(size) + (from * size + to) * 4L, 1);
        ring(from);
    }

    /** The address of a rank's stage. */
    long stage(int rank, long number) {
        return memory.address() + staging(size) + ((long) rank * STAGES + number % STAGES) * STAGE_BYTES;
    }

    /** Ends the group for all its ranks; the first reason given stays. */
    void abort(String reason) {
        if (INTS.compareAndSet(memory, (long) ABORT, 0, 1)) {
            byte[] bytes = reason.getBytes(StandardCharsets.UTF_8);
            MemorySegment.copy(bytes, 0, memory, JAVA_BYTE, REASON, Math.min(bytes.length, REASON_BYTES - 1));
            INTS.setRelease(memory, (long) ABORT, 2);
            for (int i = 0; i < size; i++) {
                ring(i);
            }
        }
    }

    /** Why the group was aborted; null when it was not, or its reason is still being written. */
    String aborted() {
        boolean written = (int) INTS.getAcquire(memory, (long) ABORT) == 2;
        return written ? memory.getString(REASON, StandardCharsets.UTF_8) : null;
    }

    private static long slot(int rank) {
        return SLOTS + (long) rank * SLOT_BYTES;
    }
}
