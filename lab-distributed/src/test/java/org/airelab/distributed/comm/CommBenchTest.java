package org.airelab.distributed.comm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.airelab.base.UserError;
import org.airelab.cli.Lab;
import org.airelab.distributed.JavaCommand;
import org.airelab.distributed.group.Call;
import org.airelab.distributed.group.ProcessGroup;
import org.airelab.distributed.group.Reduction;
import org.airelab.distributed.group.Work;
import org.airelab.distributed.group.mpi.MpiGroup;
import org.airelab.torch.ScalarType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CommBenchTest {
    private record Result(int exitCode, String out) {
    }

    private static ProcessBuilder builder(Map<String, String> environment, String... arguments) {
        ProcessBuilder builder = new ProcessBuilder(JavaCommand.of(Lab.class, List.of("-XX:TieredStopAtLevel=1"),
                arguments)).redirectErrorStream(true);
        builder.environment().keySet().removeAll(List.of("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_PORT"));
        builder.environment().putAll(environment);
        return builder;
    }

    private static Result run(Map<String, String> environment, String... arguments) throws Exception {
        Process process = builder(environment, arguments).start();
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return new Result(process.waitFor(), out);
    }

    /** Starts the other ranks itself, and prints one table. */
    @Test
    void ranksOfItsOwn() throws Exception {
        Result result = run(Map.of(), "comm-bench", "--ranks", "3", "--sizes", "10,64k", "--warmup", "0");
        assertEquals(0, result.exitCode(), result.out());
        assertTrue(result.out().contains("shm, 3 ranks: every collective is right in"), result.out());
        assertTrue(result.out().contains("an all-reduce of 65532 bytes reads and writes each rank's array"),
                result.out());
        // Whole float32 values of three blocks: at least one.
        for (String bytes : List.of("12", "65532")) {
            for (Timed timed : Timed.values()) {
                assertEquals(1, result.out().lines().filter(line -> line.matches(timed + " +" + bytes + " .*")).count(),
                        result.out());
            }
        }
    }

    /** What another program has started, as the variables say. */
    @Test
    void ranksOfOthers() throws Exception {
        Map<String, String> variables = Map.of("RANK", "0", "WORLD_SIZE", "1", "MASTER_PORT", "29876");
        Result result = run(variables, "comm-bench", "--sizes", "4k", "--no-check", "--warmup", "0",
                "--collectives", "copy,all-reduce", "--memory", "own");
        assertEquals(0, result.exitCode(), result.out());
        assertTrue(result.out().contains("shm, 1 rank, which exchanges nothing\n"), result.out());
        assertEquals(List.of("all-reduce", "copy"), result.out().lines().filter(line -> line.contains("4096"))
                .map(line -> line.split(" ")[0]).toList());
        result = run(variables, "comm-bench", "--ranks", "2");
        assertEquals(UserError.BAD_INPUT, result.exitCode(), result.out());
        assertTrue(result.out().contains("--ranks is given, but the variables RANK and WORLD_SIZE say how many ranks"
                + " there are"),
                result.out());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {"--sizes|0k|expected a size such as 512", "--sizes|4t|expected a size such as",
        "--sizes|9999999999g|expected a size such as",
        "--ranks|0|expected at least 1 rank, found 0", "--device|tpu|expected the device cpu or cuda",
        "--warmup|-1|--warmup must be from 0 to 3600, found -1.0"})
    void badInput(String option, String value, String sentence) throws Exception {
        Result result = run(Map.of(), "comm-bench", option, value);
        assertEquals(UserError.BAD_INPUT, result.exitCode(), result.out());
        assertTrue(result.out().contains(sentence), result.out());
    }

    @Test
    void moreRanksThanTheMachineHasMemoryFor() throws Exception {
        Result result = run(Map.of(), "comm-bench", "--ranks", "1000000", "--sizes", "1g");
        assertEquals(UserError.MACHINE, result.exitCode(), result.out());
        assertTrue(result.out().contains("error: 1000000 ranks with arrays of 1073741824 bytes need at least 2062500.0"
                + " GiB, and this machine has "), result.out());
    }

    /** Ranks of which Open MPI's launcher knows nothing are not each a world of one. */
    @Test
    void ranksThatMpiDoesNotKnow() throws Exception {
        assumeTrue(MpiGroup.available(), "MPI is not tested: Open MPI (Debian: openmpi-bin) is not installed");
        Result result = run(Map.of("RANK", "1", "WORLD_SIZE", "2", "MASTER_ADDR", "node-7"), "comm-bench", "--backend",
                "mpi");
        assertEquals(UserError.BAD_INPUT, result.exitCode(), result.out());
        assertTrue(result.out().contains("error: this is rank 1 of 2 by the variables RANK and WORLD_SIZE and rank 0 of"
                + " 1 by Open MPI"), result.out());
        assertTrue(result.out().contains("Where all ranks are on this host, give each LOCAL_WORLD_SIZE=2"),
                result.out());
    }

    /** A rank that fails ends the others, and is named. */
    @Test
    void failedRank() throws Exception {
        Process process = builder(Map.of(), "comm-bench", "--sizes", "1k" + ",1k".repeat(999)).start();
        List<ProcessHandle> ranks = JavaCommand.childrenOf(process);
        for (long end = System.nanoTime() + 60_000_000_000L; ranks.size() < 2;
                ranks = JavaCommand.childrenOf(process)) {
            assertTrue(System.nanoTime() < end, "the ranks do not start");
            Thread.sleep(10);
        }
        ranks.stream().max(Comparator.comparing(ProcessHandle::pid)).orElseThrow().destroyForcibly();
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(128 + 9, process.waitFor(), out);
        assertTrue(out.contains("error: rank 1 was ended by signal 9 (SIGKILL)"), out);
        for (ProcessHandle rank : ranks) {
            rank.onExit().get(30, TimeUnit.SECONDS);
        }
    }

    /** 3 GB in 2 s, over 4 ranks. */
    @ParameterizedTest
    @CsvSource({"ALL_REDUCE, 2.25", "REDUCE_SCATTER, 1.125", "ALL_GATHER, 1.125", "BROADCAST, 1.5",
        "SEND_RECEIVE, 1.5"})
    void bandwidths(Timed timed, double bus) {
        Measured measured = new Measured(timed, 3_000_000_000L, 4, 2e9, 2e9, 2e9);
        assertEquals(1.5, measured.algorithmBandwidth());
        assertEquals(bus, measured.busBandwidth());
    }

    @Test
    void memoryBound() {
        Measured allReduce = new Measured(Timed.ALL_REDUCE, 1 << 20, 2, 3e6, 3e6, 3e6);
        Measured rewrite = new Measured(Timed.REWRITE, 1 << 20, 2, 2e6, 2e6, 2e6);
        Measured copy = new Measured(Timed.COPY, 1 << 20, 2, 2.5e6, 2.5e6, 2.5e6);
        assertEquals("an all-reduce of 1048576 bytes reads and writes each rank's array at least once, which takes the"
                + " memory 2000.0 us (rewrite); it took 1.50 times as long",
                new MemoryBound(allReduce, rewrite, copy).toString());
        Measured fasterCopy = new Measured(Timed.COPY, 1 << 20, 2, 1.5e6, 1e6, 2e6);
        assertEquals(2.0, new MemoryBound(allReduce, rewrite, fasterCopy).ratio());
    }

    /** A back end that does nothing, or not enough, is found out. */
    @Test
    void wrongResults() {
        try (ProcessGroup group = new IdleGroup(); Arena arena = Arena.ofConfined()) {
            UserError error = assertThrows(UserError.class,
                    () -> new CollectiveChecks(group, GroupMemory.of(arena)).all(10));
            assertEquals(UserError.FAILED, error.exitCode());
            assertTrue(error.getMessage().startsWith("on rank 0 of 1 the sum of float32 values at 0 is 0.0, and not"),
                    error.getMessage());
        }
    }

    /** One rank for which every call is done at once, and clears its result. */
    private static final class IdleGroup extends ProcessGroup {
        IdleGroup() {
            super("idle", 0, 0);
        }

        @Override
        protected Work submit(Call call, MemorySegment input, MemorySegment output) {
            output.fill((byte) 0);
            return new Work() {
                @Override
                public void await() {
                }

                @Override
                public boolean done() {
                    return true;
                }
            };
        }

        @Override
        public MemorySegment allocate(long bytes) {
            throw new AssertionError("not asked for by a benchmark");
        }

        @Override
        public void abort(String reason) {
        }

        @Override
        protected ProcessGroup split(String name, int[] chosen, int[] chosenOfRun) {
            throw new AssertionError("not asked for by a benchmark");
        }

        @Override
        public void close() {
        }
    }

    /** What NCCL's arithmetic may differ in, and what it may not. */
    @Test
    void arithmetic() {
        for (boolean promised : new boolean[] {true, false}) {
            CheckValues values = new CheckValues(1, 3, promised);
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment element = arena.allocate(8);
                int differences = 0;
                for (int i = 0; i < 60_000; i++) {
                    float sum = Float.NaN;
                    float largest = Float.NEGATIVE_INFINITY;
                    boolean nan = false;
                    for (int rank = 0; rank < 3; rank++) {
                        values.set(element, ScalarType.BFLOAT16, 0, rank, i);
                        float value = ScalarType.BFLOAT16.kernelType().get(element, 0);
                        nan |= Float.isNaN(value);
                        largest = Float.isNaN(value) ? largest : Math.max(largest, value);
                        sum = rank == 0 ? value : sum + value;
                    }
                    ScalarType.BFLOAT16.kernelType().set(element, 0, sum);
                    assertEquals(null, values.differsReduced(element, ScalarType.BFLOAT16, Reduction.SUM, 0, i));
                    ScalarType.BFLOAT16.kernelType().set(element, 0, largest);
                    String differs = values.differsReduced(element, ScalarType.BFLOAT16, Reduction.MAX, 0, i);
                    assertEquals(nan && promised, differs != null, "value " + i);
                    differences += nan ? 1 : 0;
                    ScalarType.BFLOAT16.kernelType().set(element, 0, Float.isFinite(sum) ? sum + 100 : 1);
                    assertTrue(values.differsReduced(element, ScalarType.BFLOAT16, Reduction.SUM, 0, i) != null);
                }
                assertTrue(differences > 3, "too few NaN to tell");
            }
        }
    }
}
