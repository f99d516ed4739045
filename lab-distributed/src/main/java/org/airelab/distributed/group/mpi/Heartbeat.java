package org.airelab.distributed.group.mpi;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.airelab.distributed.group.Failures;
import org.airelab.distributed.group.Limits;
import org.airelab.distributed.group.ProcessGroup;
import org.airelab.distributed.group.Silences;
import org.airelab.distributed.group.StartWait;
import org.airelab.distributed.group.store.Store;
import org.airelab.distributed.group.store.StorePlace;
import org.airelab.distributed.group.store.StoreServer;
import org.airelab.torch.ScalarType;

/**
 * The signs of life of a run's ranks on any number of hosts. Each rank writes them into a store that rank 0 keeps, from
 * a thread of its own, whatever the rank itself is busy with. Rank 0 looks whose stay away and tells the others through
 * the store; the others look whether rank 0 still answers. A process that was stopped still receives and acknowledges
 * what it is sent, so only what it does itself counts.
 *
 * <p>A rank that has died or has left is no business of a heartbeat: the ranks' launcher sees to the one, and who has
 * left is missed by nobody.
 */
final class Heartbeat implements AutoCloseable {
    /** In the time after which a rank that gives none is taken to stand still. */
    private static final int SIGNS = 40;
    private static final String SIGN = "sign/";
    /** A rank's last sign. */
    private static final String LEFT = "left";
    private static final String FAILURE = "failure";

    private final int rank;
    private final int size;
    private final StorePlace place;
    /** Rank 0's; null on the others. */
    private final Store kept;
    private final Limits limits;
    private final Consumer<String> onSilence;
    private final Duration period;
    private final Silences silences;
    private final AtomicBoolean over = new AtomicBoolean();
    private final List<Thread> threads = new ArrayList<>();
    /** How often rank 0 has answered. */
    private volatile long answers;
    private boolean saidWhoIsMissing;

    /** Of rank 0, with the store, or of another one, without. */
    Heartbeat(StorePlace place, Store kept, int rank, int size, Limits limits, Consumer<String> onSilence) {
        this.place = place;
        this.kept = kept;
        this.rank = rank;
        this.size = size;
        this.limits = limits;
        this.onSilence = onSilence;
        this.period = limits.silence().dividedBy(SIGNS);
        this.silences = new Silences(limits.silence(), period, System.nanoTime());
        threads.add(Thread.ofPlatform().daemon().name("heartbeat-watch").start(this::watch));
        if (kept == null) {
            threads.add(Thread.ofPlatform().daemon().name("heartbeat").start(this::beat));
        }
    }

    /**
     * Begins; every rank takes part. Ranks that do not reach rank 0, as behind a firewall, go on without: rank 0 says
     * so, once, on standard error.
     *
     * @param oneHost   whether no other host need reach rank 0
     * @param limits    of which {@code silence} ends a run; {@code collective} is what is left without heartbeats
     * @param onSilence is told, once, which rank gives no sign of life, in a sentence that is the same on all ranks
     */
    static Heartbeat start(ProcessGroup world, boolean oneHost, Limits limits, Consumer<String> onSilence) {
        StoreServer server = world.rank() == 0 ? StoreServer.open(oneHost) : null;
        try (Arena arena = Arena.ofShared()) {
            MemorySegment text = arena.allocate(StorePlace.BYTES);
            if (server != null) {
                text.setString(0, server.place().write());
            }
            world.broadcast(text, ScalarType.UINT8, 0).await();
            return new Heartbeat(StorePlace.read(text.getString(0)), server, world.rank(), world.size(), limits,
                    onSilence);
        }
    }

    /** What ranks from 1 on do. */
    private void beat() {
        Store store = place.reach(rank).orElse(null);
        if (store == null) {
            return;
        }
        try {
            while (!over.get()) {
                store.put(SIGN + rank, Long.toString(answers));
                String reason = store.get(FAILURE);
                answers++;
                if (reason != null) {
                    end(reason);
                }
                pause(period);
            }
            store.put(SIGN + rank, LEFT);
        } catch (Store.Gone e) {
            // Rank 0 has left, or died, which its launcher sees to.
            over.set(true);
        }
        store.close();
    }

    private void watch() {
        while (!over.get()) {
            OptionalInt silent = silences.look(kept == null ? answered() : signs(), System.nanoTime());
            if (silent.isPresent()) {
                String reason = "rank " + silent.getAsInt() + " " + Failures.silent(limits.silence());
                if (kept != null) {
                    kept.put(FAILURE, reason);
                    // For the others to read it, before this rank ends and the store with it.
                    pause(period.multipliedBy(2));
                }
                end(reason);
            }
            pause(period);
        }
    }

    private void end(String reason) {
        if (over.compareAndSet(false, true)) {
            onSilence.accept(reason);
        }
    }

    /** Whether rank 0 has this rank's signs of life; of rank 0, whether it has all others'. */
    boolean reachesAll() {
        if (kept == null) {
            return answers > 0 && !over.get();
        }
        Set<String> reached = kept.list(SIGN).keySet();
        return reached.size() == size - 1 && kept.list(Store.LOST).keySet().stream().noneMatch(reached::contains);
    }

    /** Rank 0's signs of life, once it has given one. */
    private Map<Integer, String> answered() {
        return answers == 0 ? Map.of() : Map.of(0, Long.toString(answers));
    }

    /** The last signs of the other ranks that have given one and live. */
    private Map<Integer, String> signs() {
        Map<Integer, String> signs = new HashMap<>();
        Map<String, Store.Entry> given = kept.list(SIGN);
        given.forEach((other, sign) -> signs.put(Integer.valueOf(other), sign.text()));
        if (!saidWhoIsMissing && silences.time().compareTo(limits.silence()) >= 0) {
            saidWhoIsMissing = true;
            sayWhoIsMissing(IntStream.range(1, size).filter(i -> !signs.containsKey(i)).toArray());
        }
        signs.values().removeIf(LEFT::equals);
        kept.list(Store.LOST).forEach((other, lost) -> {
            // A rank may have lost a connection and have come by another one since.
            if (!given.containsKey(other) || lost.age() <= given.get(other).age()) {
                signs.remove(Integer.valueOf(other));
            }
        });
        return signs;
    }

    private void sayWhoIsMissing(int... missing) {
        if (missing.length > 0) {
            System.err.println("warning: " + StartWait.ranks(IntStream.of(missing)) + " cannot connect to rank 0 ("
                    + place + "): when one of them stands still, it is noticed only after "
                    + Failures.seconds(limits.collective()));
        }
    }

    private static void pause(Duration time) {
        try {
            Thread.sleep(time);
        } catch (InterruptedException e) {
            // To look whether it is over.
        }
    }

    /** Ends the signs, of which rank 0 is told; rank 0 itself takes the store away. */
    @Override
    public void close() {
        over.set(true);
        threads.forEach(Thread::interrupt);
        try {
            for (Thread thread : threads) {
                // Not for long: rank 0 may be the one that stands still.
                thread.join(period);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        if (kept != null) {
            kept.close();
        }
    }
}
