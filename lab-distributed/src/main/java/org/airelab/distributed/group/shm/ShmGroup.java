package org.airelab.distributed.group.shm;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import org.airelab.base.UserError;
import org.airelab.distributed.group.AllowedCores;
import org.airelab.distributed.group.Call;
import org.airelab.distributed.group.Call.Kind;
import org.airelab.distributed.group.Lane;
import org.airelab.distributed.group.Limits;
import org.airelab.distributed.group.PendingWork;
import org.airelab.distributed.group.ProcessGroup;
import org.airelab.distributed.group.Work;

/**
 * A process group in the shared memory of one host. Sums are formed in the order of the ranks: a result has the same
 * bits however the work is timed, and whether or not the arrays lie in memory from {@link #allocate}.
 */
public final class ShmGroup extends ProcessGroup {
    private static final int PAGE = 4096;

    private final Board board;
    private final Arena arena;
    private final Limits limits;
    private final List<Path> folders;
    private final Patience patience;
    private final Allocations allocations;
    private final Collectives collectives;
    /** One for collectives, and one for the messages to, and from, each rank: none waits for another. */
    private final Map<String, Lane> lanes = new HashMap<>();
    private final Map<String, Ring> rings = new ConcurrentHashMap<>();
    private int splits;
    private int allocated;
    /** Null until somebody wants to be told. */
    private Vigil vigil;
    private boolean closed;

    ShmGroup(String name, int rank, int[] members, Board board, Arena arena, Limits limits, List<Path> folders) {
        super(name, rank, members);
        this.board = board;
        this.arena = arena;
        this.limits = limits;
        this.folders = folders;
        this.patience = new Patience(this, board, limits);
        this.allocations = new Allocations(rank);
        this.collectives = new Collectives(this, board, patience, allocations);
        Pulse.add(board, rank);
    }

    /**
     * Joins the ranks of a run, and waits for all to come.
     *
     * @param name of the run, the same on all ranks, and another one than other runs' on this host; letters, digits and
     *             hyphens
     * @param rank of the caller
     * @throws UserError when a rank does not come, comes twice or expects another number of ranks, and where there is
     *                   no room for shared memory
     */
    public static ShmGroup join(String name, int rank, int size, Limits limits) {
        return Rendezvous.join(SharedFile.folders(), name, rank, size, limits);
    }

    @Override
    protected synchronized Work submit(Call call, MemorySegment input, MemorySegment output) {
        checkOpen();
        PendingWork work = new PendingWork();
        return lane(call).add(work, () -> {
            try {
                patience.checkAborted();
                run(call, input, output);
                work.complete();
            } catch (UserError e) {
                work.fail(e);
            } catch (RuntimeException | Error e) {
                work.fail(patience.fail(who(rank()) + " failed in " + describe(call) + ": " + e));
            } finally {
                Reference.reachabilityFence(input);
                Reference.reachabilityFence(output);
            }
        });
    }

    private Lane lane(Call call) {
        String name = switch (call.kind()) {
            case SEND -> "to " + call.partner();
            case RECEIVE -> "from " + call.partner();
            default -> "collectives";
        };
        return lanes.computeIfAbsent(name, _ -> new Lane("group " + name() + " " + name));
    }

    private void run(Call call, MemorySegment input, MemorySegment output) {
        switch (call.kind()) {
            case SEND -> ring(call, rank(), call.partner()).send(call, input.address());
            case RECEIVE -> ring(call, call.partner(), rank()).receive(call, output.address());
            default -> collectives.run(call, input, output);
        }
    }

    /** The ring from one rank to another, one of them this one. The sender makes it, the receiver takes its name. */
    private Ring ring(Call call, int from, int to) {
        String file = fileName("ring-" + from + "-" + to);
        if (rings.containsKey(file)) {
            return rings.get(file);
        }
        SharedFile shared;
        if (call.kind() == Kind.SEND) {
            shared = create(file, Ring.BYTES, arena);
            board.ringIsMade(from, to);
        } else {
            patience.until(from, call, () -> board.ringMade(from, to));
            shared = open(file, arena);
            shared.deleteName();
        }
        Ring ring = new Ring(shared.memory(), this, board, patience);
        rings.put(file, ring);
        return ring;
    }

    @Override
    public MemorySegment allocate(long bytes) {
        return allocate(bytes, (file, whole) -> Optional.of(create(file, whole, arena))).orElseThrow();
    }

    @Override
    public Optional<MemorySegment> allocateShared(long bytes) {
        return allocate(bytes, (file, whole) -> SharedFile.createInMemory(folders, file, whole, arena));
    }

    /** Memory for the parts of all ranks, of a file that rank 0 makes under a name, of so many bytes, if it can. */
    private Optional<MemorySegment> allocate(long bytes, BiFunction<String, Long, Optional<SharedFile>> maker) {
        checkOpen();
        // All have come: the name is there for no longer than it has to be, and with it the memory of a killed rank 0.
        requireSame(gather(bytes));
        String file = fileName("memory-" + allocated++);
        long part = Math.ceilDiv(Math.max(bytes, 1), PAGE) * PAGE;
        long whole = Math.multiplyExact(size(), part);
        Optional<SharedFile> made = rank() == 0 ? maker.apply(file, whole) : Optional.empty();
        try {
            if (gather(made.isPresent() ? 1 : 0)[0] == 0) {
                return Optional.empty();
            }
            MemorySegment memory = made.orElseGet(() -> open(file, arena)).memory();
            barrier().await();
            return Optional.of(allocations.add(memory, part).asSlice(0, bytes));
        } finally {
            made.ifPresent(SharedFile::deleteName);
        }
    }

    private void requireSame(long[] bytes) {
        for (int i = 1; i < bytes.length; i++) {
            if (bytes[i] != bytes[0]) {
                throw patience.fail(who(i) + " allocates " + bytes[i] + " bytes in group " + name() + ", and " + who(0)
                        + " " + bytes[0]);
            }
        }
    }

    @Override
    protected ProcessGroup split(String name, int[] chosen, int[] chosenOfRun) {
        Arena own = Arena.ofShared();
        try {
            int rank = Arrays.binarySearch(chosen, rank());
            MemorySegment memory = share("group-" + splits++ + "-" + chosen[0], chosen[0], Board.bytes(chosen.length),
                    own, made -> Board.prepare(made, chosen.length, ThreadLocalRandom.current().nextLong()));
            Board board = new Board(memory);
            board.take(rank, ProcessId.self(), AllowedCores.id());
            barrier().await();
            return new ShmGroup(name, rank, chosenOfRun, board, own, limits, folders);
        } catch (RuntimeException e) {
            own.close();
            throw e;
        }
    }

    /** Memory of a file that one rank makes and others open; when this returns, its name is gone or will soon be. */
    private MemorySegment share(String what, int maker, long bytes, Arena arena, Consumer<MemorySegment> prepare) {
        String file = fileName(what);
        SharedFile made = rank() == maker ? create(file, bytes, arena) : null;
        try {
            if (made != null) {
                prepare.accept(made.memory());
            }
            barrier().await();
            SharedFile shared = made != null ? made : open(file, arena);
            barrier().await();
            return shared.memory();
        } finally {
            if (made != null) {
                made.deleteName();
            }
        }
    }

    private String fileName(String what) {
        return "airelab-" + Long.toHexString(board.generation()) + "-" + what;
    }

    private SharedFile create(String file, long bytes, Arena arena) {
        try {
            return SharedFile.create(folders, file, bytes, arena);
        } catch (UserError e) {
            board.abort(who(rank()) + " stopped: " + e.getMessage());
            throw e;
        }
    }

    private SharedFile open(String file, Arena arena) {
        try {
            return SharedFile.open(folders, file, arena).orElseThrow(() -> new IOException("it is not there"));
        } catch (IOException e) {
            throw patience.fail(who(rank()) + " cannot open the shared file " + file + ": " + e.getMessage());
        }
    }

    private synchronized void checkOpen() {
        if (closed) {
            throw new IllegalStateException("group " + name() + " is closed");
        }
    }

    @Override
    public String toString() {
        return "shared memory";
    }

    @Override
    public synchronized void abort(String reason) {
        if (!closed) {
            board.abort(reason);
        }
    }

    @Override
    protected synchronized void lookAfter(Consumer<String> told) {
        checkOpen();
        vigil = new Vigil(this, board, limits, told);
    }

    @Override
    public void close() {
        synchronized (this) {
            if (closed) {
                return;
            }
            closed = true;
        }
        if (vigil != null) {
            vigil.close();
        }
        lanes.values().forEach(Lane::close);
        Pulse.remove(board, rank());
        board.leave(rank());
        arena.close();
    }
}
