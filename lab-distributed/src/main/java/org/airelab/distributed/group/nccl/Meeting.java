package org.airelab.distributed.group.nccl;

import java.util.Map;
import java.util.UUID;
import java.util.stream.IntStream;
import org.airelab.base.UserError;
import org.airelab.distributed.group.AllowedCores;
import org.airelab.distributed.group.Failures;
import org.airelab.distributed.group.Limits;
import org.airelab.distributed.group.StartWait;
import org.airelab.distributed.group.store.Store;

/** How the ranks of a run come together: each says that it is there, and rank 0 gives the id of NCCL's meeting. */
final class Meeting {
    private static final String HERE = "here/";
    private static final String GPU = "gpu/";
    private static final String ID = "id";
    private static final String JOINED = "joined/";
    private static final long POLL_MILLIS = 5;
    private static final long LOOK_NANOS = 100_000_000;

    private final Store store;
    private final int rank;
    private final int size;
    private final String gpu;
    private final Limits limits;
    private final StartWait wait;
    private long lastLook;

    /** @param gpu the address of this rank's on its host's bus */
    Meeting(Store store, int rank, int size, String gpu, Limits limits) {
        this.store = store;
        this.rank = rank;
        this.size = size;
        this.gpu = gpu;
        this.limits = limits;
        this.wait = new StartWait(rank, limits.start());
    }

    /**
     * Meets all ranks. The device's context must be the thread's current one.
     *
     * @throws UserError when a rank does not come, comes twice, expects another number of ranks or has another's GPU
     */
    Communicator communicator() {
        sayHere();
        takeGpu();
        while (store.list(HERE).size() < size) {
            check();
            pause("the others");
        }
        // Whoever came last may have come with another number.
        lookAround();
        if (rank == 0) {
            store.put(ID, Communicator.newId());
        }
        String id = store.get(ID);
        while (id == null) {
            check();
            pause("the others");
            id = store.get(ID);
        }
        Communicator communicator = Communicator.join(id, rank, size, this::check);
        try {
            sayJoined();
            return communicator;
        } catch (RuntimeException e) {
            communicator.abort();
            throw e;
        }
    }

    /** The others look into the store until they have joined: rank 0 must not go on, and perhaps end, before. */
    private void sayJoined() {
        store.put(JOINED + rank, "");
        while (rank == 0 && store.list(JOINED).size() < size) {
            check();
            pause("the others");
        }
    }

    /**
     * The communicator of two ranks for messages in one direction: the sender, its rank 0, makes the id.
     *
     * @param name  where in the store the id stands
     * @param check throws when there is no sense in waiting any longer
     */
    static Communicator pair(Store store, String name, boolean sender, Runnable check) {
        if (sender) {
            store.put(name, Communicator.newId());
        }
        String id = store.get(name);
        while (id == null) {
            check.run();
            pause("the sender of a message");
            id = store.get(name);
        }
        return Communicator.join(id, sender ? 0 : 1, 2, check);
    }

    private void sayHere() {
        String mine = size + " " + UUID.randomUUID();
        if (!store.putFirst(HERE + rank, mine).equals(mine)) {
            if (store.list(JOINED).size() == size) {
                // It replaces one that has died, and rank 0 has not ended yet.
                throw Failures.atStart("rank " + rank
                        + " has come to a run that another process has begun in its place");
            }
            throw UserError.badInput("rank " + rank + " has come twice", "Give every process a rank of its own.");
        }
    }

    /** Ranks with one GPU NCCL refuses itself, but does not say what they can do. */
    private void takeGpu() {
        String first = store.putFirst(GPU + AllowedCores.host() + gpu, Integer.toString(rank));
        if (!first.equals(Integer.toString(rank))) {
            throw UserError.machine("rank " + rank + " has the GPU of rank " + first + ", " + gpu + ", and with NCCL"
                    + " each needs one of its own.",
                    "Give each rank another GPU, or let them share this one: --backend shm.");
        }
    }

    /** Throws when there is no sense in waiting any longer. */
    private void check() {
        long now = System.nanoTime();
        if (now - lastLook > LOOK_NANOS) {
            lastLook = now;
            lookAround();
        }
        if (wait.over()) {
            int[] absent = absent();
            if (absent.length > 0) {
                throw Failures.atStart("rank " + absent[0] + " has not come within " + Failures.seconds(limits.start())
                        + " to the start that rank " + rank + " waits for");
            }
            throw Failures.atStart("NCCL has not connected rank " + rank + " with the other ranks within "
                    + Failures.seconds(limits.start()));
        }
    }

    /** The ranks that have not come. */
    private int[] absent() {
        Map<String, Store.Entry> here = store.list(HERE);
        return IntStream.range(0, size).filter(i -> !here.containsKey(Integer.toString(i))).toArray();
    }

    private void lookAround() {
        int[] absent = absent();
        if (absent.length > 0) {
            wait.missing(StartWait.ranks(IntStream.of(absent)) + " to start");
        }
        String failure = store.get(NcclGroup.failureKey(NcclGroup.WORLD));
        if (failure != null) {
            throw Failures.atStart(failure);
        }
        store.list(HERE).forEach((other, entry) -> {
            String found = entry.text().split(" ")[0];
            if (!found.equals(Integer.toString(size))) {
                boolean meFirst = rank < Integer.parseInt(other);
                throw UserError.badInput("rank " + (meFirst ? other : rank) + " was started as one of "
                        + (meFirst ? found : size) + " ranks, and rank " + (meFirst ? rank : other) + " as one of "
                        + (meFirst ? size : found), "Start all ranks with the same number of ranks.");
            }
        });
        store.list(Store.LOST).keySet().stream().findFirst().ifPresent(other -> {
            throw Failures.atStart("rank " + other + " has died while the others were starting");
        });
    }

    private static void pause(String what) {
        try {
            Thread.sleep(POLL_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw Failures.atStart("a rank was interrupted while it waited for " + what);
        }
    }
}
