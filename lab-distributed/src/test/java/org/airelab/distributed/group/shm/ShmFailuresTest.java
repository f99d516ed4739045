package org.airelab.distributed.group.shm;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.BiFunction;
import org.airelab.base.UserError;
import org.airelab.distributed.SmallDisk;
import org.airelab.distributed.group.Limits;
import org.airelab.distributed.group.ProcessGroup;
import org.airelab.distributed.group.Reduction;
import org.airelab.distributed.group.Work;
import org.airelab.torch.ScalarType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What {@link ShmGroup} says when ranks do not do what they should: on every rank the same sentence. */
class ShmFailuresTest {
    private static final Limits SHORT_START = new Limits(Duration.ofSeconds(3), RankThreads.LIMITS.collective(),
            RankThreads.LIMITS.silence());
    private static final Limits SHORT_COLLECTIVE = new Limits(RankThreads.LIMITS.start(), Duration.ofSeconds(2),
            RankThreads.LIMITS.silence());

    /** Requires what each rank does to fail with one sentence. */
    private static void fails(int size, Limits limits, String sentence, RankThreads.Rank rank) throws Exception {
        RankThreads.run(size, limits, group -> {
            UserError error = assertThrows(UserError.class, () -> rank.run(group));
            assertEquals(sentence, error.getMessage());
            // And the group stays failed.
            assertEquals(sentence, assertThrows(UserError.class, () -> group.barrier().await()).getMessage());
        });
    }

    private static void differ(String first, String second, BiFunction<ShmGroup, MemorySegment, Work> call)
            throws Exception {
        fails(2, RankThreads.LIMITS, "the ranks disagree about collective 2 of group world: rank 0 called " + first
                + ", and rank 1 called " + second, group -> {
            try (Arena arena = Arena.ofShared()) {
                group.barrier().await();
                call.apply(group, arena.allocate(JAVA_FLOAT, 10)).await();
            }
        });
    }

    @Test
    void differentCalls() throws Exception {
        differ("barrier", "broadcast of 10 float32 values from rank 1", (group, values) -> group.rank() == 0
                ? group.barrier() : group.broadcast(values, ScalarType.FLOAT32, 1));
        differ("all-reduce (sum) of 10 float32 values", "all-reduce (sum) of 5 float32 values", (group, values) ->
                group.allReduce(values.asSlice(0, 40 - 20 * group.rank()), ScalarType.FLOAT32, Reduction.SUM));
        differ("all-reduce (sum) of 10 float32 values", "all-reduce (max) of 10 float32 values", (group, values) ->
                group.allReduce(values, ScalarType.FLOAT32, group.rank() == 0 ? Reduction.SUM : Reduction.MAX));
        differ("all-reduce (sum) of 20 float16 values", "all-reduce (sum) of 20 bfloat16 values", (group, values) ->
                group.allReduce(values, group.rank() == 0 ? ScalarType.FLOAT16 : ScalarType.BFLOAT16, Reduction.SUM));
        differ("broadcast of 10 float32 values from rank 0", "broadcast of 10 float32 values from rank 1",
                (group, values) -> group.broadcast(values, ScalarType.FLOAT32, group.rank()));
    }

    @Test
    void messageOfAnotherSize() throws Exception {
        fails(2, RankThreads.LIMITS, "rank 0 expected a message of 9 float32 values from rank 1 in group world, which"
                + " sent 10 float32 values", group -> {
            try (Arena arena = Arena.ofShared()) {
                if (group.rank() == 1) {
                    group.send(arena.allocate(JAVA_FLOAT, 10), ScalarType.FLOAT32, 0).await();
                    group.barrier().await();
                } else {
                    group.receive(arena.allocate(JAVA_FLOAT, 9), ScalarType.FLOAT32, 1).await();
                }
            }
        });
    }

    /** Rank 1 of the group at fault is rank 2 of the run, and named so. */
    @Test
    void rankThatDoesNotCome() throws Exception {
        CountDownLatch over = new CountDownLatch(1);
        RankThreads.run(4, SHORT_COLLECTIVE, world -> {
            ProcessGroup group = world.split("tp", world.rank() % 2);
            if (world.rank() == 0) {
                try {
                    UserError error = assertThrows(UserError.class, () -> group.barrier().await());
                    assertEquals("rank 2 has not done its part of barrier in group tp within 2 s", error.getMessage());
                } finally {
                    over.countDown();
                }
            } else if (world.rank() == 2) {
                over.await();
            }
            group.close();
        });
    }

    @Test
    void rankThatLeaves() throws Exception {
        RankThreads.run(2, RankThreads.LIMITS, group -> {
            if (group.rank() == 0) {
                UserError error = assertThrows(UserError.class, () -> group.barrier().await());
                assertEquals("rank 1 has left while rank 0 waited for it in barrier in group world",
                        error.getMessage());
            }
        });
    }

    @Test
    void abort() throws Exception {
        fails(3, RankThreads.LIMITS, "rank 1 has found a mistake", group -> {
            Work pending = group.rank() == 1 ? null : group.barrier();
            if (group.rank() == 1) {
                group.abort("rank 1 has found a mistake");
                pending = group.barrier();
            }
            pending.await();
        });
    }

    /** Also a rank that waits for nobody; not that one has left. */
    @Test
    void whoWantsToBeToldIs() throws Exception {
        RankThreads.run(3, RankThreads.LIMITS, group -> {
            BlockingQueue<String> told = new LinkedBlockingQueue<>();
            group.onFailure(told::add);
            group.barrier().await();
            if (group.rank() == 2) {
                return;
            }
            if (group.rank() == 1) {
                Thread.sleep(1000);
                group.abort("rank 1 has found a mistake");
            }
            assertEquals("rank 1 has found a mistake", told.poll(1, TimeUnit.MINUTES));
        });
    }

    /** As while a checkpoint is written, by a rank that is seen to live. */
    @Test
    void barrierThatTakesLong() throws Exception {
        CountDownLatch over = new CountDownLatch(1);
        RankThreads.run(2, SHORT_COLLECTIVE, group -> {
            group.onFailure(_ -> { });
            group.barrier().await();
            if (group.rank() == 1) {
                Thread.sleep(4000);
            }
            group.barrier().await();
            if (group.rank() == 1) {
                over.await();
                return;
            }
            try {
                UserError error = assertThrows(UserError.class, () -> group.gather(1));
                assertEquals("rank 1 has not done its part of all-gather of 1 int64 values in group world within 2 s",
                        error.getMessage());
            } finally {
                over.countDown();
            }
        });
    }

    private static UserError joinFails(List<Path> folders, String name, int rank, int size, Limits limits) {
        return assertThrows(UserError.class, () -> Rendezvous.join(folders, name, rank, size, limits).close());
    }

    /** Joins as several ranks at once, each of which fails. */
    private static void allFail(String sentence, List<Callable<UserError>> ranks) throws Exception {
        List<Callable<Void>> tasks = new ArrayList<>();
        for (Callable<UserError> rank : ranks) {
            tasks.add(() -> {
                UserError error = rank.call();
                assertTrue(error.getMessage().matches(sentence), error.getMessage());
                assertFalse(error.advice().contains("checkpoint"), error.advice());
                return null;
            });
        }
        RankThreads.call(tasks);
    }

    @Test
    void rankThatNeverStarts(@TempDir Path folder) throws Exception {
        List<Path> folders = List.of(folder);
        PrintStream standard = System.err;
        ByteArrayOutputStream told = new ByteArrayOutputStream();
        System.setErr(new PrintStream(told, true, StandardCharsets.UTF_8));
        try {
            allFail("rank 1 has not come within 3 s to the start of run lonely that rank [02] waits for",
                    List.of(() -> joinFails(folders, "lonely", 0, 3, SHORT_START),
                            () -> joinFails(folders, "lonely", 2, 3, SHORT_START)));
        } finally {
            System.setErr(standard);
        }
        // Rank 2 may come after that.
        assertTrue(told.toString(StandardCharsets.UTF_8).matches(
                "(?s).*rank 0 waits for ranks? 1(-2)? to start run lonely, until.*"),
                told.toString(StandardCharsets.UTF_8));
        allFail("rank 0 has not come within 3 s to the start of run lonely that rank 1 waits for",
                List.of(() -> joinFails(folders, "lonely", 1, 2, SHORT_START)));
        assertEquals(0, folder.toFile().list().length);
    }

    @Test
    void differentNumbersOfRanks(@TempDir Path folder) throws Exception {
        allFail("rank 1 was started as one of 3 ranks, and rank 0 as one of 2", List.of(
                () -> joinFails(List.of(folder), "run", 0, 2, RankThreads.LIMITS),
                () -> joinFails(List.of(folder), "run", 1, 3, RankThreads.LIMITS)));
    }

    @Test
    void sameRankTwice(@TempDir Path folder) throws Exception {
        allFail("rank 1 has come twice: as process \\d+ and as process \\d+", List.of(
                () -> joinFails(List.of(folder), "run", 0, 3, RankThreads.LIMITS),
                () -> joinFails(List.of(folder), "run", 1, 3, RankThreads.LIMITS),
                () -> joinFails(List.of(folder), "run", 1, 3, RankThreads.LIMITS)));
    }

    @Test
    void fullFolder(@TempDir Path folder) throws Exception {
        try (SmallDisk disk = SmallDisk.mount(folder.resolve("small"), 1024)) {
            String name = "test-" + UUID.randomUUID();
            UserError error = joinFails(List.of(disk.root()), name, 0, 1, SHORT_START);
            assertEquals(UserError.MACHINE, error.exitCode());
            assertTrue(error.getMessage().contains("no room") && error.getMessage().contains(disk.root().toString()),
                    error.getMessage());
            assertEquals(0, disk.root().toFile().list().length);
            // In the next folder, then; and a failure later on is every rank's.
            RankThreads.run(List.of(disk.root(), folder), 2, RankThreads.LIMITS, group -> group.barrier().await());
            disk.grow(8);
            RankThreads.run(List.of(disk.root()), 2, RankThreads.LIMITS, group -> {
                UserError late = assertThrows(UserError.class, () -> group.allocate(100 << 20));
                assertTrue(late.getMessage().contains("there is no room for 200 MiB that ranks share"),
                        late.getMessage());
            });
        }
    }

    /** Memory that is only faster is not to be had where room is short, and nobody fails for that. */
    @Test
    void littleRoom(@TempDir Path folder) throws Exception {
        try (SmallDisk disk = SmallDisk.mount(folder.resolve("small"), 8 << 10)) {
            RankThreads.run(List.of(disk.root(), folder), 2, RankThreads.LIMITS, group -> {
                assertTrue(group.allocateShared(100 << 20).isEmpty());
                MemorySegment values = group.allocateShared(1 << 20).orElseThrow();
                // Half of what is left, at most.
                assertTrue(group.allocateShared(5 << 18).isEmpty());
                values.setAtIndex(JAVA_FLOAT, 7, 1 + group.rank());
                group.allReduce(values, ScalarType.FLOAT32, Reduction.SUM).await();
                assertEquals(3, values.getAtIndex(JAVA_FLOAT, 7));
                try (ProcessGroup alone = group.split("alone", group.rank())) {
                    assertEquals(10, alone.allocateShared(10).orElseThrow().byteSize());
                }
            });
        }
    }

    /** A file on a disk is no memory. */
    @Test
    void sharedOnADisk(@TempDir Path folder) throws Exception {
        boolean memory = Files.getFileStore(folder).type().equals("tmpfs");
        RankThreads.run(List.of(folder), 2, RankThreads.LIMITS,
                group -> assertEquals(memory, group.allocateShared(1000).isPresent()));
    }

    @Test
    void anotherSize() throws Exception {
        RankThreads.run(2, RankThreads.LIMITS, group -> {
            UserError error = assertThrows(UserError.class, () -> group.allocateShared(5000L * (1 + group.rank())));
            assertEquals("rank 1 allocates 10000 bytes in group world, and rank 0 5000", error.getMessage());
        });
    }
}
