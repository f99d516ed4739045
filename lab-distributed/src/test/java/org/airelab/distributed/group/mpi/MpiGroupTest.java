package org.airelab.distributed.group.mpi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.airelab.distributed.JavaCommand;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@link MpiGroup} among processes that a real {@code mpirun} starts. */
class MpiGroupTest {
    @TempDir
    private Path folder;

    @BeforeAll
    static void installed() {
        assumeTrue(MpiGroup.available(), "MPI is not tested: Open MPI (Debian: openmpi-bin) is not installed");
    }

    private record Result(int exitCode, String out) {
    }

    private Result run(int ranks, String what) throws IOException, InterruptedException {
        Path log = folder.resolve("log.txt");
        List<String> command = new ArrayList<>(
                List.of("mpirun", "--oversubscribe", "-n", Integer.toString(ranks)));
        command.addAll(JavaCommand.of(MpiRank.class, List.of("-XX:TieredStopAtLevel=1"), what));
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile());
        // Containers run tests as the superuser, of whom mpirun expects that it was meant.
        builder.environment().put("OMPI_ALLOW_RUN_AS_ROOT", "1");
        builder.environment().put("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1");
        Process process = builder.start();
        try {
            assertTrue(process.waitFor(5, TimeUnit.MINUTES), () -> "it hangs:\n" + text(log));
        } finally {
            process.destroyForcibly();
        }
        return new Result(process.exitValue(), text(log));
    }

    private static String text(Path log) {
        try {
            return Files.readString(log);
        } catch (IOException e) {
            return e.toString();
        }
    }

    @ParameterizedTest
    @CsvSource({"1, collectives", "2, collectives", "3, collectives", "3, pieces", "4, split"})
    void works(int ranks, String what) throws Exception {
        Result result = run(ranks, what);
        assertEquals(0, result.exitCode(), result.out());
        assertEquals(ranks, result.out().lines().filter("all well"::equals).count(), result.out());
    }

    private void fails(int ranks, String what, String sentence) throws Exception {
        Result result = run(ranks, what);
        assertNotEquals(0, result.exitCode(), result.out());
        assertTrue(result.out().contains("error: " + sentence), result.out());
    }

    @Test
    void differentCalls() throws Exception {
        fails(2, "mismatch", "the ranks disagree about collective 2 of group world: rank 0 called all-reduce (sum) of"
                + " 10 float32 values, and rank 1 called all-reduce (sum) of 11 float32 values");
    }

    @Test
    void messageOfAnotherSize() throws Exception {
        fails(2, "message", "rank 1 expected a message of 11 float32 values from rank 0 in group world, which sent"
                + " 10 float32 values");
    }

    @Test
    void rankThatDoesNotCome() throws Exception {
        fails(3, "late", "rank 1 has not done its part of barrier in group world within 2 s");
    }

    /** A process that SIGSTOP has reached: others say so, wherever they wait, and mpirun ends it with them. */
    @ParameterizedTest
    @CsvSource({"3, stopped, 1", "2, stopped at the end, 0"})
    void rankThatStandsStill(int ranks, String what, int stopped) throws Exception {
        fails(ranks, what, "rank " + stopped + " has given no sign of life for 3 s, it may have been stopped");
    }

    @Test
    void mpiThatFails() throws Exception {
        fails(2, "broken", "rank 0 failed in group broken: MPI: MPI_ERR_COMM: invalid communicator");
    }

    @Test
    void abort() throws Exception {
        Result result = run(2, "abort");
        assertNotEquals(0, result.exitCode(), result.out());
        assertEquals(2, result.out().lines().filter("error: rank 1 has had enough"::equals).count(), result.out());
    }
}
