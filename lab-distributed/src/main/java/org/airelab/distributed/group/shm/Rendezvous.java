package org.airelab.distributed.group.shm;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import org.airelab.base.Temporaries;
import org.airelab.base.UserError;
import org.airelab.distributed.group.AllowedCores;
import org.airelab.distributed.group.Failures;
import org.airelab.distributed.group.Limits;
import org.airelab.distributed.group.StartWait;

/**
 * How the ranks of a run find each other: rank 0 puts a board under the run's name, the others open it, and when all
 * have come the name is gone. A file of that name whose rank 0 has died is left from a crashed start: rank 0 replaces
 * it, the others wait for that.
 */
final class Rendezvous {
    private static final long POLL_MILLIS = 5;

    private final List<Path> folders;
    private final String name;
    private final int rank;
    private final int size;
    private final Limits limits;
    private final StartWait wait;

    private Rendezvous(List<Path> folders, String name, int rank, int size, Limits limits) {
        this.folders = folders;
        this.name = name;
        this.rank = rank;
        this.size = size;
        this.limits = limits;
        this.wait = new StartWait(rank, limits.start());
    }

    static ShmGroup join(List<Path> folders, String name, int rank, int size, Limits limits) {
        if (!name.matches("[A-Za-z0-9-]+")) {
            throw new IllegalArgumentException("expected a name of letters, digits and hyphens, found '" + name + "'");
        }
        if (size < 1 || rank < 0 || rank >= size) {
            throw new IllegalArgumentException("expected a rank from 0 to the number of ranks less one, found rank "
                    + rank + " of " + size);
        }
        Arena arena = Arena.ofShared();
        try {
            var rendezvous = new Rendezvous(folders, name, rank, size, limits);
            Board board = rank == 0 ? rendezvous.host(arena) : rendezvous.visit(arena);
            int[] members = IntStream.range(0, size).toArray();
            return new ShmGroup("world", rank, members, board, arena, limits, folders);
        } catch (IOException e) {
            arena.close();
            throw UserError.machine("rank " + rank + " cannot share memory with the others: " + e.getMessage(),
                    "Make the folder writable.", e);
        } catch (RuntimeException e) {
            arena.close();
            throw e;
        }
    }

    private String fileName() {
        return "airelab-" + name;
    }

    /** Rank 0's part. */
    private Board host(Arena arena) throws IOException {
        refuseLiveRun();
        long generation = ThreadLocalRandom.current().nextLong();
        SharedFile shared = SharedFile.create(folders, "." + fileName() + "." + Long.toHexString(generation),
                Board.bytes(size), arena);
        Path place = Temporaries.register(shared.path().resolveSibling(fileName()));
        try {
            Board board = Board.prepare(shared.memory(), size, generation);
            board.take(0, ProcessId.self(), AllowedCores.id());
            // Whole from the first moment on that others can see it.
            Files.move(shared.path(), place, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            await(board, () -> absent(board).length == 0);
            board.isComplete();
            return board;
        } finally {
            shared.deleteName();
            Temporaries.delete(place);
        }
    }

    /** Removes what crashed starts have left in any folder, and refuses to take a living run's name away. */
    private void refuseLiveRun() throws IOException {
        for (Path folder : folders) {
            try (Arena arena = Arena.ofConfined()) {
                Optional<SharedFile> found = SharedFile.open(List.of(folder), fileName(), arena);
                if (found.isPresent() && Board.isOne(found.get().memory())) {
                    ProcessId owner = new Board(found.get().memory()).process(0);
                    if (!owner.ended()) {
                        throw UserError.badInput("another run, " + owner + ", is just starting under the name " + name,
                                "Give one of the two another name, or end that process.");
                    }
                }
            }
            Files.deleteIfExists(folder.resolve(fileName()));
        }
    }

    /** The part of ranks from 1 on. */
    private Board visit(Arena arena) throws IOException {
        Board board = null;
        while (board == null) {
            board = find(arena);
            if (board == null) {
                pause(null, 0);
            }
        }
        if (board.size() != size) {
            String reason = "rank " + rank + " was started as one of " + size + " ranks, and rank 0 as one of "
                    + board.size();
            board.abort(reason);
            throw UserError.badInput(reason, "Start all ranks with the same number of ranks.");
        }
        if (!board.take(rank, ProcessId.self(), AllowedCores.id())) {
            String reason = "rank " + rank + " has come twice: as " + board.process(rank) + " and as "
                    + ProcessId.self();
            board.abort(reason);
            throw UserError.badInput(reason, "Give every process a rank of its own.");
        }
        Board found = board;
        await(board, found::complete);
        return board;
    }

    /** The board of a living rank 0, or null. */
    private Board find(Arena arena) throws IOException {
        // Mapped for the time of a look first: the file may be of a crashed run, and looked at often.
        try (Arena look = Arena.ofConfined()) {
            Optional<SharedFile> file = SharedFile.open(folders, fileName(), look);
            if (file.isEmpty() || !Board.isOne(file.get().memory())
                    || new Board(file.get().memory()).process(0).ended()) {
                return null;
            }
        }
        return SharedFile.open(folders, fileName(), arena).map(SharedFile::memory).filter(Board::isOne).map(Board::new)
                .filter(board -> !board.process(0).ended()).orElse(null);
    }

    /** The ranks that have not come. */
    private int[] absent(Board board) {
        return IntStream.range(0, size).filter(i -> !board.present(i)).toArray();
    }

    /** Waits for what depends on all ranks, as long as none that has come dies. */
    private void await(Board board, BooleanSupplier done) {
        while (!done.getAsBoolean()) {
            for (int i = 0; i < size; i++) {
                if (board.present(i) && board.process(i).ended()) {
                    board.abort("rank " + i + " (" + board.process(i) + ") has died while the others were starting");
                }
            }
            if (board.aborted() != null) {
                throw Failures.atStart(board.aborted());
            }
            int[] absent = absent(board);
            // When all have come, rank 0 has not yet said so.
            pause(board, absent.length == 0 ? new int[] {0} : absent);
        }
    }

    private void pause(Board board, int... absent) {
        wait.missing(StartWait.ranks(IntStream.of(absent)) + " to start run " + name);
        String who = "rank " + absent[0];
        if (wait.over()) {
            String reason = who + " has not come within " + Failures.seconds(limits.start())
                    + " to the start of run " + name + " that rank " + rank + " waits for";
            if (board != null) {
                board.abort(reason);
            }
            throw Failures.atStart(reason);
        }
        try {
            Thread.sleep(POLL_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw Failures.atStart("rank " + rank + " was interrupted while it waited for " + who);
        }
    }
}
