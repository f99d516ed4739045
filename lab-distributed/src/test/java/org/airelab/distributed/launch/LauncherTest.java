package org.airelab.distributed.launch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.airelab.distributed.JavaCommand;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LauncherTest {
    private static final int PATIENCE_SECONDS = 60;

    @TempDir
    private Path folder;

    private Path log() {
        return folder.resolve("launcher.txt");
    }

    private Path run() {
        return folder.resolve("run");
    }

    /** Starts a launcher of ranks that do {@code first}, and {@code again} after a failure. */
    private Process start(int ranks, String first, String again) throws IOException {
        Files.createDirectories(run());
        return new ProcessBuilder(JavaCommand.of(LaunchedRank.class, List.of("-XX:TieredStopAtLevel=1"), "launch",
                run().toString(), Integer.toString(ranks), first, again)).redirectErrorStream(true)
                .redirectOutput(log().toFile()).start();
    }

    private String launch(int exitCode, int ranks, String first, String again) throws Exception {
        Process process = start(ranks, first, again);
        assertTrue(process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS), "it hangs");
        String text = Files.readString(log());
        assertEquals(exitCode, process.exitValue(), text);
        return text;
    }

    private String rankLog(int rank) throws IOException {
        return Files.readString(RunFolder.of(run()).log(rank));
    }

    @Test
    void well() throws Exception {
        String text = launch(0, 3, "well", "sleep");
        assertTrue(text.contains("rank 0 of 3 does well"), text);
        assertFalse(text.contains("rank 1"), text);
        assertEquals("rank 1 of 3 does well\n", rankLog(1));
        assertEquals("rank 2 of 3 does well\n", rankLog(2));
    }

    @Test
    void sharesTheCores() throws Exception {
        int cores = Runtime.getRuntime().availableProcessors();
        launch(0, 2, "threads", "sleep");
        assertTrue(rankLog(1).contains("true " + Math.max(1, cores / 2)), rankLog(1));
    }

    @Test
    void failureEndsTheOthersAndIsShown() throws Exception {
        String text = launch(0, 3, "fail", "well");
        assertTrue(text.contains("error: rank 2 ended with exit code 7: no luck\n  Try again.\n  All it has printed is"
                + " in " + RunFolder.of(run()).log(2)), text);
        assertTrue(text.contains("restarting all ranks, from the last checkpoint if there is one (1 of 2)"), text);
        assertEquals("rank 1 of 3 does fail\nrank 1 of 3 does well\n", rankLog(1));
    }

    @Test
    void restartsHaveAnEnd() throws Exception {
        String text = launch(70, 2, "fail", "crash");
        assertTrue(text.contains("(2 of 2)"), text);
        assertFalse(text.contains("(3 of 2)"), text);
        assertTrue(text.contains("error: rank 1 ended with exit code 70\n"), text);
        assertTrue(text.contains("  something\n  went wrong\n"), text);
    }

    /** A rank fails before rank 0 has started an older run over: that one is left alone. */
    @Test
    void anOlderRunIsNotGoneOnWith() throws Exception {
        Path manifest = Files.writeString(Files.createDirectories(run()).resolve("manifest.json"), "older");
        String text = launch(7, 2, "early", "well");
        assertTrue(text.contains("(2 of 2)"), text);
        assertEquals("older", Files.readString(manifest));
        assertFalse(Files.exists(RunFolder.of(run()).log(1)), "a log in the older run");
    }

    @Test
    void whatIsRefusedIsNotTriedAgain() throws Exception {
        String text = launch(2, 2, "refuse", "well");
        assertTrue(text.contains("error: rank 1 ended with exit code 2: no such thing"), text);
        assertFalse(text.contains("restarting"), text);
    }

    @Test
    void aRunThatDivergesIsNotTriedAgain() throws Exception {
        String text = launch(1, 2, "diverge", "well");
        assertTrue(text.contains("error: the run diverged"), text);
        assertFalse(text.contains("restarting"), text);
    }

    @Test
    void whoNoticesFirstIsNotAtFault() throws Exception {
        String text = launch(3, 2, "notice", "well");
        assertTrue(text.contains("error: rank 1 ended with exit code 3: no room"), text);
    }

    @Test
    void whoDoesNotEndIsEnded() throws Exception {
        launch(0, 2, "deaf", "well");
    }

    private List<ProcessHandle> sleepingRanks(Process launcher) throws Exception {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
        while (!Files.exists(run().resolve("sleep-0")) || !Files.exists(run().resolve("sleep-1"))) {
            assertTrue(System.nanoTime() < end, "the ranks do not start");
            Thread.sleep(20);
        }
        return launcher.children().toList();
    }

    private static void ended(List<ProcessHandle> ranks) throws Exception {
        assertEquals(2, ranks.size());
        for (ProcessHandle rank : ranks) {
            rank.onExit().get(PATIENCE_SECONDS, TimeUnit.SECONDS);
        }
    }

    @Test
    void terminated() throws Exception {
        Process launcher = start(2, "sleep", "well");
        List<ProcessHandle> ranks = sleepingRanks(launcher);
        launcher.destroy();
        assertTrue(launcher.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS), "it hangs");
        assertEquals(128 + 15, launcher.exitValue());
        ended(ranks);
        assertTrue(Files.readString(log()).endsWith("farewell\n"), Files.readString(log()));
    }

    @Test
    void killed() throws Exception {
        Process launcher = start(2, "sleep", "well");
        List<ProcessHandle> ranks = sleepingRanks(launcher);
        launcher.destroyForcibly();
        ended(ranks);
    }
}
