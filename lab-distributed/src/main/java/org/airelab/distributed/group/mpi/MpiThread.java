package org.airelab.distributed.group.mpi;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.locks.LockSupport;
import org.airelab.distributed.group.Failures;

/**
 * The one thread of the process that calls MPI. It runs short tasks as they come and, between them, moves on the first
 * operation of every lane.
 */
final class MpiThread {
    /** Looks without news before it gives the processor away, and before it sleeps between looks. */
    private static final int SPINS = 200;
    private static final int YIELDS = 2000;
    private static final long PAUSE_NANOS = 20_000;

    private static MpiThread started;

    private final LinkedBlockingQueue<Runnable> tasks = new LinkedBlockingQueue<>();
    private final List<Lane> busy = new ArrayList<>();
    private final List<MpiGroup> groups = new CopyOnWriteArrayList<>();
    /** Why nobody waits for this thread any more: MPI may wait for ever for a rank that stands still. */
    private final CompletableFuture<String> halted = new CompletableFuture<>();
    private boolean finalized;

    private MpiThread() {
    }

    /** The thread, after MPI has started; MPI starts once in the life of a process. */
    static synchronized MpiThread get() {
        if (started == null) {
            MpiLibrary.get();
            started = new MpiThread();
            Thread.ofPlatform().daemon().name("mpi").start(started::run);
            started.call(MpiThread::initialize);
        }
        if (started.finalized) {
            throw new IllegalStateException("MPI has ended in this process and cannot be started again");
        }
        return started;
    }

    private static Void initialize() {
        MemorySegment provided = Arena.global().allocate(JAVA_INT);
        Mpi.check(() -> (int) Mpi.INIT_THREAD.invokeExact(MemorySegment.NULL, MemorySegment.NULL, Mpi.THREAD_FUNNELED,
                provided));
        Mpi.returnErrors(Mpi.COMM_WORLD);
        return null;
    }

    /** Ends MPI, once all other ranks do. */
    void end() {
        call(() -> {
            finalized = true;
            Mpi.check(() -> (int) Mpi.FINALIZE.invokeExact());
            return null;
        });
    }

    /** Lets those fail that wait for calls, then runs a task, unless MPI keeps this thread for ever. */
    void halt(String reason, Runnable task) {
        halted.complete(reason);
        tasks.add(task);
    }

    /**
     * Runs a task that may call MPI, and waits for it.
     *
     * @throws org.airelab.base.UserError after {@link #halt}
     */
    <T> T call(Callable<T> task) {
        CompletableFuture<T> result = new CompletableFuture<>();
        tasks.add(() -> {
            try {
                result.complete(task.call());
            } catch (Throwable t) {
                result.completeExceptionally(t);
            }
        });
        CompletableFuture.anyOf(result, halted).handle((_, _) -> null).join();
        if (!result.isDone()) {
            throw Failures.error(halted.join());
        }
        try {
            return result.join();
        } catch (CompletionException e) {
            throw e.getCause() instanceof RuntimeException cause ? cause : e;
        }
    }

    /** The process's groups that are not closed. */
    List<MpiGroup> groups() {
        return groups;
    }

    /** Appends an operation to a lane. */
    void add(Lane lane, Operation operation) {
        tasks.add(() -> {
            if (lane.add(operation)) {
                busy.add(lane);
            }
        });
    }

    private void run() {
        int idle = 0;
        while (true) {
            Runnable task = busy.isEmpty() ? take() : tasks.poll();
            if (task != null) {
                task.run();
                idle = 0;
            } else if (advance()) {
                idle = 0;
            } else {
                pause(++idle);
            }
        }
    }

    private boolean advance() {
        boolean news = false;
        for (Lane lane : List.copyOf(busy)) {
            news |= lane.advance();
        }
        busy.removeIf(Lane::isEmpty);
        return news;
    }

    private static void pause(int idle) {
        if (idle < SPINS) {
            Thread.onSpinWait();
        } else if (idle < YIELDS) {
            Thread.yield();
        } else {
            LockSupport.parkNanos(PAUSE_NANOS);
        }
    }

    private Runnable take() {
        while (true) {
            try {
                return tasks.take();
            } catch (InterruptedException e) {
                // Nobody has a reason to: without this thread the process's groups stand still.
            }
        }
    }
}
