package org.airelab.distributed.group.nccl;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.HexFormat;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A communicator of NCCL's that does not block: a call returns at once, and whoever made it looks until NCCL has done
 * its part on the host. Meanwhile, and between calls, any thread may {@link #abort} it.
 */
final class Communicator {
    private static final int SPINS = 200;
    private static final long PAUSE_NANOS = 20_000;
    /** How long an abort waits for a call under way, which stands still itself where the device's queue is full. */
    private static final long PATIENCE_MILLIS = 1000;

    /** Held during calls: after an abort the handle must not be used. */
    private final ReentrantLock lock = new ReentrantLock();
    /** Null before NCCL has given it, and when it is gone. */
    private MemorySegment handle;

    private Communicator() {
    }

    /** A call with a communicator's handle. */
    @FunctionalInterface
    interface Call {
        int run(MemorySegment handle) throws Throwable;
    }

    /** A new meeting of ranks, in hexadecimal digits; one of them makes it. */
    static String newId() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment id = arena.allocate(Nccl.ID_BYTES);
            check("ncclGetUniqueId", Nccl.run(() -> (int) Nccl.GET_UNIQUE_ID.invokeExact(id)));
            return HexFormat.of().formatHex(id.toArray(JAVA_BYTE));
        }
    }

    /**
     * Meets the other ranks. The device's context must be the thread's current one.
     *
     * @param id    as one rank has made it
     * @param check throws when there is no sense in waiting any longer
     */
    static Communicator join(String id, int rank, int size, Runnable check) {
        Communicator made = new Communicator();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment unique = arena.allocate(Nccl.ID_BYTES)
                    .copyFrom(MemorySegment.ofArray(HexFormat.of().parseHex(id)));
            MemorySegment out = place();
            int code = Nccl.run(() -> (int) Nccl.INIT.invokeExact(out, size, unique, rank, Nccl.nonBlocking(arena)));
            made.handle = present(out);
            made.settle("ncclCommInitRankConfig", code, check);
            return made;
        } catch (RuntimeException e) {
            made.abort();
            throw e;
        }
    }

    /** Makes communicators of the ranks with the same color, in their order here; all ranks take part. */
    Communicator split(int color, int rank, Runnable check) {
        Communicator made = new Communicator();
        try {
            MemorySegment out = place();
            // The other one is there once this one is at rest again, and must then come to rest itself.
            call("ncclCommSplit", parent -> (int) Nccl.SPLIT.invokeExact(parent, color, rank, out, MemorySegment.NULL),
                    check);
            made.handle = present(out);
            made.settle("ncclCommSplit", Nccl.IN_PROGRESS, check);
            return made;
        } catch (RuntimeException e) {
            made.abort();
            throw e;
        }
    }

    /** Where NCCL writes a handle; for good, as it may do so later than a failed call returns. */
    private static MemorySegment place() {
        return Arena.global().allocate(ADDRESS);
    }

    private static MemorySegment present(MemorySegment out) {
        MemorySegment found = out.get(ADDRESS, 0);
        return found.address() == 0 ? null : found;
    }

    /**
     * Makes a call and waits until NCCL has done its part on the host: the rest is the device's.
     *
     * @param check throws when there is no sense in waiting any longer
     * @throws IllegalStateException when NCCL reports an error, with its own words
     */
    void call(String what, Call call, Runnable check) {
        // An error since the last call: of this one NCCL would only say that it may not be made.
        settle("before " + what, locked(this::asyncError), check);
        settle(what, locked(() -> call.run(requireHandle())), check);
    }

    private void settle(String what, int first, Runnable check) {
        int code = first;
        for (int looks = 0; code == Nccl.IN_PROGRESS; looks++) {
            check.run();
            if (looks < SPINS) {
                Thread.onSpinWait();
            } else {
                LockSupport.parkNanos(PAUSE_NANOS);
            }
            code = locked(this::asyncError);
        }
        check(what, code);
    }

    private int locked(Nccl.NativeCall call) {
        lock.lock();
        try {
            return Nccl.run(call);
        } finally {
            lock.unlock();
        }
    }

    private MemorySegment requireHandle() {
        if (handle == null) {
            throw new IllegalStateException("the communicator was aborted");
        }
        return handle;
    }

    private int asyncError() throws Throwable {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = arena.allocate(JAVA_INT);
            int code = (int) Nccl.ASYNC_ERROR.invokeExact(requireHandle(), state);
            return code == Nccl.SUCCESS ? state.get(JAVA_INT, 0) : code;
        }
    }

    private static void check(String what, int code) {
        if (code != Nccl.SUCCESS) {
            throw new IllegalStateException(what + ": " + Nccl.text(code));
        }
    }

    /** What has gone wrong on the device or the network since it was enqueued, in NCCL's words; null for nothing. */
    String error() {
        if (!lock.tryLock()) {
            // Somebody is at it, and will see.
            return null;
        }
        try {
            int code = handle == null ? Nccl.SUCCESS : Nccl.run(this::asyncError);
            return code == Nccl.SUCCESS || code == Nccl.IN_PROGRESS ? null : Nccl.text(code);
        } finally {
            lock.unlock();
        }
    }

    /** Ends all it does, on the device too, and frees it; nothing when it is gone. */
    void abort() {
        boolean owned = false;
        try {
            // Without the lock, if need be: of all functions this is the one that NCCL lets interrupt others.
            owned = lock.tryLock(PATIENCE_MILLIS, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        try {
            MemorySegment gone = handle;
            handle = null;
            if (gone != null) {
                Nccl.run(() -> (int) Nccl.ABORT.invokeExact(gone));
            }
        } finally {
            if (owned) {
                lock.unlock();
            }
        }
    }

    /** Frees it when all is done; other ranks have to come to the same point, and are not waited for longer than so. */
    void close(Duration limit) {
        long end = System.nanoTime() + limit.toNanos();
        try {
            call("ncclCommFinalize", communicator -> (int) Nccl.FINALIZE.invokeExact(communicator), () -> {
                if (System.nanoTime() > end) {
                    throw new IllegalStateException("ranks did not come to an end together");
                }
            });
            locked(() -> (int) Nccl.DESTROY.invokeExact(requireHandle()));
            handle = null;
        } catch (IllegalStateException e) {
            abort();
        }
    }
}
