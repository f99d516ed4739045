package org.airelab.distributed.pretrain;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.airelab.base.UserError;
import org.airelab.distributed.SmallDisk;
import org.airelab.distributed.group.mpi.MpiGroup;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What becomes of a run one of whose ranks fails. */
class RankFailuresTest {
    private static final String[] ENDLESS = {"--nproc", "2", "--steps", "1000000"};
    /** So many that a run is not through when a test that has waited for one of the first comes to kill a rank. */
    private static final int STEPS = 150;

    @TempDir
    private Path folder;
    private Ranks ranks;
    private int port;

    @BeforeEach
    void ranks() throws IOException {
        ranks = new Ranks(folder, folder.resolve("cache"));
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = free.getLocalPort();
        }
    }

    private static void signal(ProcessHandle process, String signal) throws Exception {
        assertEquals(0, new ProcessBuilder("kill", "-" + signal, Long.toString(process.pid())).start().waitFor());
    }

    private static void ended(List<ProcessHandle> processes) throws Exception {
        for (ProcessHandle process : processes) {
            process.onExit().get(2, TimeUnit.MINUTES);
        }
    }

    @Test
    void killedRank() throws Exception {
        Ranks.Started run = ranks.start("killed", ENDLESS);
        run.awaitStep(20);
        List<ProcessHandle> both = run.ranks();
        signal(both.get(1), "KILL");
        assertEquals(128 + 9, run.exitCode());
        assertTrue(run.text().contains("error: rank 1 was ended by signal 9 (SIGKILL)"), run.text());
        ended(both);
    }

    /** Before ranks have met, at the start, only their launcher can notice. */
    @Test
    void stoppedRank() throws Exception {
        Ranks.Started run = ranks.start("stopped", ENDLESS);
        run.await(() -> run.ranks().size() == 2, "two ranks");
        List<ProcessHandle> both = run.ranks();
        signal(both.get(1), "STOP");
        assertEquals(UserError.LOST, run.exitCode());
        assertTrue(run.text().contains("error: rank 1 (process " + both.get(1).pid() + ") has been stopped for 15 s"),
                run.text());
        ended(both);
    }

    /** MPI itself would wait for ever. */
    @Test
    void rankStoppedBeforeMpiStarts() throws Exception {
        assumeTrue(MpiGroup.available(), "MPI is not tested: Open MPI (Debian: openmpi-bin) is not installed");
        Ranks.Started run = underMpirun(List.of("sh", "-c", "[ $OMPI_COMM_WORLD_RANK = 0 ] || kill -STOP $$; exec"
                + " \"$@\"", "sh"), "--start-timeout", "4");
        assertNotEquals(0, run.exitCode());
        assertTrue(run.text().contains("error: rank 1 has not come within 4 s to the start"), run.text());
        assertTrue(run.text().contains("Look whether that rank was started"), run.text());
    }

    /** The process that prepares data, and holds their lock, if there is one. */
    private Optional<ProcessHandle> holder() {
        try (Stream<Path> files = Files.walk(folder.resolve("cache"))) {
            for (Path lock : files.filter(file -> file.toString().endsWith(".lock")).toList()) {
                Matcher mark = Pattern.compile("process (\\d+);.*").matcher(Files.readString(lock));
                if (mark.matches()) {
                    return ProcessHandle.of(Long.parseLong(mark.group(1)));
                }
            }
        } catch (IOException | UncheckedIOException e) {
            // Not there yet, or it changes meanwhile.
        }
        return Optional.empty();
    }

    /** The other rank waits for a lock, and comes to no collective. */
    @ParameterizedTest
    @ValueSource(strings = {"variables", "mpirun"})
    void rankStoppedWhileItHoldsALock(String start) throws Exception {
        boolean mpi = start.equals("mpirun");
        assumeTrue(!mpi || MpiGroup.available(), "MPI is not tested: Open MPI (Debian: openmpi-bin) is not installed");
        String[] large = {"--data", "synthetic:stories=200000"};
        List<Ranks.Started> runs = mpi ? List.of(underMpirun(large)) : List.of(
                ranks.start("lock", List.of(), rank(0), large), ranks.start("lock", List.of(), rank(1), large));
        runs.getFirst().await(() -> holder().isPresent() && runs.stream().anyMatch(run ->
                run.text().contains("waiting for process")), "two ranks that want to prepare the data");
        ProcessHandle stopped = holder().orElseThrow();
        signal(stopped, "STOP");
        try {
            Ranks.Started other = runs.stream().filter(run -> run.process().pid() != stopped.pid()).findFirst()
                    .orElseThrow();
            assertNotEquals(0, other.exitCode(), other::text);
            assertTrue(Pattern.compile("error: rank \\d (\\(process " + stopped.pid() + "\\) )?has given no sign of"
                    + " life for 20 s, it may have been stopped").matcher(other.text()).find(), other.text());
        } finally {
            stopped.destroyForcibly();
        }
        ended(List.of(stopped));
    }

    /** Without a launcher nobody but the ranks themselves can notice. */
    @Test
    void rankKilledWhileItHoldsALock() throws Exception {
        Ranks.Started first = ranks.start("lock", List.of(), rank(0), "--data", "synthetic:stories=200000");
        Ranks.Started second = ranks.start("lock", List.of(), rank(1), "--data", "synthetic:stories=200000");
        first.await(() -> holder().isPresent(), "a rank that prepares the data");
        boolean firstHolds = holder().orElseThrow().pid() == first.process().pid();
        Ranks.Started holder = firstHolds ? first : second;
        Ranks.Started other = firstHolds ? second : first;
        holder.process().destroyForcibly();
        assertEquals(UserError.LOST, other.exitCode(), other::text);
        assertTrue(other.text().contains("error: rank " + (firstHolds ? 0 : 1) + " (process "
                + holder.process().pid() + ") has died"), other.text());
    }

    @Test
    void ranksEndWithTheirLauncher() throws Exception {
        Ranks.Started run = ranks.start("orphans", ENDLESS);
        run.awaitStep(5);
        List<ProcessHandle> both = run.ranks();
        assertEquals(2, both.size());
        run.process().destroyForcibly();
        ended(both);
        String manifest = Files.readString(run.run().resolve("manifest.json"));
        assertTrue(manifest.contains("\"status\": \"interrupted\""), manifest);
    }

    /** Rank 1 is killed between two checkpoints and again at a start; what comes of it is what comes of a calm run. */
    @Test
    void restarts() throws Exception {
        String[] steps = {"--nproc", "2", "--steps", Integer.toString(STEPS)};
        Path calm = ranks.finish("calm", steps);
        Ranks.Started run = ranks.start("restarted", with(steps, "--max-restarts", "3"));
        run.awaitStep(14);
        signal(run.ranks().get(1), "KILL");
        run.await(() -> run.text().contains("(1 of 3)") && run.ranks().size() == 2, "the restart");
        signal(run.ranks().get(0), "KILL");
        assertEquals(0, run.exitCode(), run::text);
        assertTrue(run.text().contains("(2 of 3)"), run.text());
        Map<String, float[]> weights = Ranks.weights(run.run(), STEPS);
        Ranks.weights(calm, STEPS).forEach((name, expected) ->
                assertArrayEquals(expected, weights.get(name), name));
        assertArrayEquals(Ranks.losses(calm), Ranks.losses(run.run()));
    }

    /** Rank 0 is killed while it writes a checkpoint: the one before it is gone back to. */
    @Test
    void killedInACheckpoint() throws Exception {
        String[] steps = {"--nproc", "2", "--steps", Integer.toString(STEPS), "--zero", "1"};
        Path calm = ranks.finish("calm", steps);
        Ranks.Started run = ranks.start("cut", with(steps, "--max-restarts", "1"));
        run.awaitStep(11);
        List<ProcessHandle> both = run.ranks();
        run.await(() -> halfWritten(run.run()), "a checkpoint that is being written");
        signal(both.get(0), "KILL");
        assertEquals(0, run.exitCode(), run::text);
        assertTrue(run.text().contains("error: rank 0 was ended by signal 9 (SIGKILL)"), run.text());
        Map<String, float[]> weights = Ranks.weights(run.run(), STEPS);
        Ranks.weights(calm, STEPS).forEach((name, expected) ->
                assertArrayEquals(expected, weights.get(name), name));
    }

    private static String[] with(String[] arguments, String... more) {
        return Stream.of(arguments, more).flatMap(Stream::of).toArray(String[]::new);
    }

    private static boolean halfWritten(Path run) {
        try (Stream<Path> checkpoints = Files.walk(run, 2)) {
            return checkpoints.anyMatch(path -> path.getFileName().toString().matches("\\.step-\\d+\\.tmp"));
        } catch (IOException | UncheckedIOException e) {
            // It changes meanwhile.
            return false;
        }
    }

    /** While rank 0 writes a checkpoint alone, and while all ranks write their parts of one. */
    @ParameterizedTest
    @ValueSource(strings = {"0", "2"})
    void fullDisk(String zero) throws Exception {
        try (SmallDisk disk = SmallDisk.mount(folder.resolve("disk"), 600)) {
            assertEquals(folder.resolve("disk"), disk.root());
            Ranks.Started run = ranks.start("disk/run", "--nproc", "2", "--zero", zero, "--max-restarts", "1",
                    "--set", "run.keep_checkpoints=1000");
            assertEquals(UserError.MACHINE, run.exitCode(), run::text);
            assertTrue(run.text().matches("(?s).*error: " + (zero.equals("0")
                    ? "rank 0 stopped: The checkpoint of step \\d+ could not be written"
                    : "rank \\d could not write its part of the checkpoint") + ".*"), run.text());
            assertTrue(Files.exists(FolderContents.checkpoint(run.run(), 10)), run::text);
            assertFalse(run.text().contains("restarting"), run.text());
        }
    }

    @Test
    void badInputIsToldOnceAndNotTriedAgain() throws Exception {
        Ranks.Started run = ranks.start("bad", "--nproc", "2", "--max-restarts", "3", "--set", "train.batch_size=3",
                "--accumulation", "1");
        assertEquals(2, run.exitCode());
        assertTrue(run.text().contains("cannot be divided evenly among 2 ranks"), run.text());
        assertFalse(run.text().contains("restarting"), run.text());
        assertFalse(Files.exists(run.run()), "a run that never began leaves no folder");
    }

    private Map<String, String> rank(int rank) {
        return Map.of("RANK", Integer.toString(rank), "WORLD_SIZE", "2", "MASTER_PORT", Integer.toString(port));
    }

    private void differ(String[] second, String sentence) throws Exception {
        Ranks.Started other = ranks.start("differ", List.of(), rank(1), second);
        Ranks.Started first = ranks.start("differ", List.of(), rank(0));
        for (Ranks.Started rank : List.of(first, other)) {
            assertEquals(2, rank.exitCode(), rank::text);
            assertTrue(rank.text().contains("error: " + sentence), rank.text());
        }
        assertFalse(Files.exists(first.run()), "a run that never began leaves no folder");
    }

    @Test
    void otherConfiguration() throws Exception {
        differ(new String[] {"--seed", "5"}, "rank 1 has another configuration than rank 0.");
    }

    /** One name for what is not the same file in two working folders. */
    @Test
    void otherData() throws Exception {
        List<Ranks.Started> both = new ArrayList<>();
        for (int rank = 0; rank < 2; rank++) {
            Path place = Files.createDirectory(folder.resolve("place-" + rank));
            Files.writeString(place.resolve("stories.txt"), ("Once upon a time fox " + rank + " met a hen.\n"
                    + "<|endoftext|>\n").repeat(50) + "They ate a cake.\n<|endoftext|>\n".repeat(500));
            both.add(ranks.start("data", List.of("sh", "-c", "cd " + place + " && exec \"$@\"", "sh"), rank(rank),
                    "--data", "text:/proc/self/cwd/stories.txt"));
        }
        for (Ranks.Started rank : both) {
            assertEquals(2, rank.exitCode(), rank::text);
            assertTrue(rank.text().contains("error: rank 1 has other training data or another tokenizer than rank 0."),
                    rank.text());
        }
    }

    private Ranks.Started underMpirun(String... arguments) throws IOException {
        return underMpirun(List.of(), arguments);
    }

    /** Each rank behind a command of its own. */
    private Ranks.Started underMpirun(List<String> behind, String... arguments) throws IOException {
        List<String> launcher = new ArrayList<>(List.of("mpirun", "--oversubscribe", "-n", "2"));
        launcher.addAll(behind);
        return ranks.start("mpi", launcher,
                Map.of("OMPI_ALLOW_RUN_AS_ROOT", "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1"), arguments);
    }

    @Test
    void rankKilledUnderMpirun() throws Exception {
        assumeTrue(MpiGroup.available(), "MPI is not tested: Open MPI (Debian: openmpi-bin) is not installed");
        Ranks.Started run = underMpirun("--steps", "1000000");
        run.awaitStep(5);
        List<ProcessHandle> both = run.ranks();
        assertEquals(2, both.size());
        signal(both.get(1), "KILL");
        assertNotEquals(0, run.exitCode());
        ended(both);
    }
}
