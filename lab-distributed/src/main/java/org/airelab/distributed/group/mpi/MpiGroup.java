package org.airelab.distributed.group.mpi;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.airelab.base.UserError;
import org.airelab.distributed.group.Call;
import org.airelab.distributed.group.Call.Kind;
import org.airelab.distributed.group.Failures;
import org.airelab.distributed.group.Limits;
import org.airelab.distributed.group.PendingWork;
import org.airelab.distributed.group.ProcessGroup;
import org.airelab.distributed.group.Work;

/**
 * A process group of Open MPI's ranks. Sums are formed in the order MPI chooses by the number of elements and ranks:
 * always the same, and the same bits on all ranks, but others than another back end's.
 *
 * <p>MPI cannot go on after a rank has failed: with one group all groups of the process fail, and when the other ranks
 * are told, MPI is not called any more. Else it would go on, for any group, with what was cut short, in memory that the
 * callers free when their work has failed. A rank whose group has failed should end with an exit code other than 0:
 * {@code mpirun} then ends the others, as it does when a rank is killed.
 */
public final class MpiGroup extends ProcessGroup {
    private static final int LARGEST_COUNT = 1 << 30;
    /** How long a failed group tries to tell the other ranks why. */
    private static final Duration TELLING = Duration.ofSeconds(1);

    private final MpiThread thread;
    private final MemorySegment communicator;
    private final Limits limits;
    private final boolean world;
    private final Arena arena = Arena.ofShared();
    private final Map<String, Lane> lanes = new HashMap<>();
    private final Map<Lane, Work> last = new HashMap<>();
    private int largestCount = LARGEST_COUNT;
    private long collectives;
    private boolean closed;
    /** Of the world of several ranks; else null. */
    private Heartbeat heartbeat;
    private volatile RuntimeException failure;
    /** Who is told why the group has failed; empty when nobody is, or has been. */
    private final AtomicReference<Consumer<String>> told = new AtomicReference<>();

    /** A group over a communicator of MPI's that has its ranks in the order of the members. */
    MpiGroup(MpiThread thread, String name, int rank, int[] members, MemorySegment communicator, Limits limits,
            boolean world) {
        super(name, rank, members);
        this.thread = thread;
        this.communicator = communicator;
        this.limits = limits;
        this.world = world;
        thread.groups().add(this);
    }

    /** Whether Open MPI's library is installed. */
    public static boolean available() {
        return MpiLibrary.available();
    }

    /**
     * The group of all ranks that {@code mpirun}, or {@code srun}, has started; once in the life of a process.
     *
     * @param limits  whose {@code start} is not used: the launcher of the ranks watches over that
     * @param oneHost whether all ranks are on this host
     * @throws UserError where Open MPI is not installed
     */
    public static MpiGroup join(Limits limits, boolean oneHost) {
        MpiGroup world = world(limits);
        if (world.size() > 1) {
            world.heartbeat = Heartbeat.start(world, oneHost, limits, world::halt);
        }
        return world;
    }

    private static MpiGroup world(Limits limits) {
        MpiThread thread = MpiThread.get();
        return thread.call(() -> {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment number = arena.allocate(JAVA_INT);
                Mpi.check(() -> (int) Mpi.COMM_SIZE.invokeExact(Mpi.COMM_WORLD, number));
                int[] members = IntStream.range(0, number.get(JAVA_INT, 0)).toArray();
                Mpi.check(() -> (int) Mpi.COMM_RANK.invokeExact(Mpi.COMM_WORLD, number));
                MemorySegment own = arena.allocate(ADDRESS);
                Mpi.check(() -> (int) Mpi.COMM_DUP.invokeExact(Mpi.COMM_WORLD, own));
                return new MpiGroup(thread, "world", number.get(JAVA_INT, 0), members, own.get(ADDRESS, 0), limits,
                        true);
            }
        });
    }

    Limits limits() {
        return limits;
    }

    MemorySegment communicator() {
        return communicator;
    }

    /** How many elements one operation of MPI is given at most. */
    int largestCount() {
        return largestCount;
    }

    /** Lets tests do with small arrays what is done with those of more elements than an {@code int} counts. */
    void largestCount(int count) {
        largestCount = count;
    }

    @Override
    protected synchronized Work submit(Call call, MemorySegment input, MemorySegment output) {
        if (closed) {
            throw new IllegalStateException("group " + name() + " is closed");
        }
        PendingWork work = new PendingWork();
        boolean message = call.kind() == Kind.SEND || call.kind() == Kind.RECEIVE;
        Lane lane = lanes.computeIfAbsent(message ? call.kind() + " " + call.partner() : "collectives",
                _ -> new Lane(this::fail));
        last.put(lane, work);
        thread.add(lane, message ? new Message(this, call, input, work)
                : new Collective(this, ++collectives, call, input, output, work));
        return work;
    }

    /** Throws what has ended this group, if something has. */
    void checkFailed() {
        if (failure != null) {
            throw failure;
        }
    }

    /** Ends the process's groups, on MPI's thread, and lets ranks that come to another collective know. */
    private RuntimeException fail(RuntimeException reason) {
        if (failure == null) {
            RuntimeException why = reason instanceof UserError ? reason
                    : Failures.error(who(rank()) + " failed in group " + name() + ": " + reason.getMessage());
            thread.groups().forEach(group -> group.failed(why));
            thread.groups().forEach(group -> group.tellAll(why.getMessage()));
        }
        return failure;
    }

    private void failed(RuntimeException why) {
        failure = why;
        tell(why.getMessage());
    }

    /** Ends the process's groups, whatever MPI is at. */
    private void halt(String reason) {
        thread.halt(reason, () -> fail(Failures.error(reason)));
        tell(reason);
    }

    private void tell(String reason) {
        Consumer<String> once = told.getAndSet(null);
        if (once != null) {
            once.accept(reason);
        }
    }

    @Override
    protected void lookAfter(Consumer<String> told) {
        this.told.set(told);
        if (failure != null) {
            tell(failure.getMessage());
        }
    }

    @Override
    protected boolean missesAnyRank() {
        return heartbeat != null && heartbeat.reachesAll();
    }

    private void tellAll(String reason) {
        try {
            startToTell(reason);
        } catch (IllegalStateException e) {
            // MPI itself has failed. The launcher ends the others when this rank ends.
        }
    }

    private void startToTell(String reason) {
        // For good: sending may outlast the wait for it.
        Announcements announcements = new Announcements(1, Arena.global());
        announcements.writeAbort(0, reason);
        Requests requests = new Requests();
        for (int i = 0; i < size(); i++) {
            int to = i;
            if (to != rank()) {
                requests.add(request -> (int) Mpi.ISEND.invokeExact(MemorySegment.ofAddress(announcements.address(0)),
                        Announcements.BYTES, Mpi.BYTE, to, GroupOperation.ANNOUNCEMENT, communicator, request));
            }
        }
        long end = System.nanoTime() + TELLING.toNanos();
        while (!requests.done() && System.nanoTime() < end) {
            Thread.onSpinWait();
        }
    }

    @Override
    public MemorySegment allocate(long bytes) {
        return arena.allocate(Math.max(bytes, 1), 64).asSlice(0, bytes);
    }

    @Override
    protected ProcessGroup split(String name, int[] chosen, int[] chosenOfRun) {
        return thread.call(() -> {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment made = arena.allocate(ADDRESS);
                Mpi.check(() -> (int) Mpi.COMM_SPLIT.invokeExact(communicator, chosen[0], rank(), made));
                return new MpiGroup(thread, name, Arrays.binarySearch(chosen, rank()), chosenOfRun,
                        made.get(ADDRESS, 0), limits, false);
            }
        });
    }

    @Override
    public String toString() {
        return "Open MPI";
    }

    @Override
    public synchronized void abort(String reason) {
        if (closed) {
            return;
        }
        thread.call(() -> fail(Failures.error(reason)));
    }

    @Override
    public void close() {
        synchronized (this) {
            if (closed) {
                return;
            }
            closed = true;
        }
        told.set(null);
        for (Work work : last.values()) {
            try {
                work.await();
            } catch (UserError e) {
                // Whoever has waited for the work knows.
            }
        }
        // What ranks' networks do by themselves may still reach a failed group's memory: it stays.
        if (failure == null && thread.call(this::release)) {
            arena.close();
            if (world) {
                thread.end();
            }
            if (heartbeat != null) {
                heartbeat.close();
            }
        }
    }

    /** On MPI's thread; not of a failed group. */
    private boolean release() {
        if (failure != null) {
            return false;
        }
        thread.groups().remove(this);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment handle = arena.allocateFrom(ADDRESS, communicator);
            Mpi.check(() -> (int) Mpi.COMM_FREE.invokeExact(handle));
            return true;
        }
    }
}
