package org.airelab.distributed.pretrain;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a run that is ended by Ctrl-C, or SIGTERM, says last. */
class InterruptedRunTest {
    private static final Pattern SAVED = Pattern.compile("  Step (\\d+) is saved; to go on from there: (.*)");

    @TempDir
    private Path folder;
    private Ranks ranks;

    @BeforeEach
    void ranks() {
        ranks = new Ranks(folder, folder.resolve("cache"));
    }

    /** Ends a run by SIGTERM and returns its last line. */
    private static String interrupted(Ranks.Started run) throws InterruptedException {
        run.process().toHandle().destroy();
        assertEquals(128 + 15, run.exitCode());
        List<String> lines = run.text().lines().toList();
        assertTrue(lines.contains("interrupted"), run.text());
        return lines.getLast();
    }

    /** Requires the command that goes on with a run from the checkpoint a line names; to its end it is carried out. */
    private void goesOn(Ranks.Started run, String last, String options) throws Exception {
        Matcher saved = SAVED.matcher(last);
        assertTrue(saved.matches(), run::text);
        assertEquals(0, Long.parseLong(saved.group(1)) % 10, "every tenth is saved");
        assertEquals("lab pretrain" + options + " --resume " + run.run(), saved.group(2));
        List<String> command = new ArrayList<>(Arrays.asList(saved.group(2).split(" ")));
        assertEquals(0, LabProcess.start(folder.resolve("cache"), run.log(), command.subList(1, command.size())
                .toArray(String[]::new)).waitFor(), run::text);
        assertTrue(run.text().contains("resumed    after step " + saved.group(1) + "\n"), run.text());
    }

    @Test
    void oneRank() throws Exception {
        Ranks.Started run = ranks.start("one", "--steps", "300");
        run.awaitStep(12);
        goesOn(run, interrupted(run), "");
    }

    @Test
    void severalRanks() throws Exception {
        Ranks.Started run = ranks.start("two", "--nproc=2", "--sequence-parallel", "--mesh", "tp=2", "--steps",
                "300");
        run.awaitStep(12);
        goesOn(run, interrupted(run), " --nproc 2 --sequence-parallel --mesh tp=2");
    }

    /** What has started the ranks has to start them again. */
    @Test
    void ranksOfAnotherLauncher() throws Exception {
        Ranks.Started run = ranks.start("other", List.of(), Map.of("RANK", "0", "WORLD_SIZE", "1"), "--steps", "300");
        run.awaitStep(12);
        String last = interrupted(run);
        assertTrue(last.endsWith(" is saved; to go on from there, by the same launcher: lab pretrain --resume "
                + run.run()), last);
    }

    @Test
    void beforeTheFirstCheckpoint() throws Exception {
        Ranks.Started run = ranks.start("early", "--steps", "1000000", "--set", "run.checkpoint_every=1000000");
        run.awaitStep(1);
        assertEquals("  No step was saved yet; to start over: lab pretrain --resume " + run.run(), interrupted(run));
    }

    @Test
    void beforeTraining() throws Exception {
        Ranks.Started run = ranks.start("data", "--nproc", "2", "--data", "synthetic:stories=2000000");
        run.await(() -> run.ranks().size() == 2, "two ranks");
        assertEquals("  Nothing was saved: training had not begun.", interrupted(run));
    }

    /** A run that is there and to be started over is not the one that is interrupted. */
    @Test
    void anOlderRunIsNotMeant() throws Exception {
        ranks.finish("again");
        Ranks.Started run = ranks.start("again", "--overwrite", "--data", "synthetic:stories=2000000");
        run.await(() -> preparesData(run.process()), "the data");
        assertEquals("  Nothing was saved: training had not begun.", interrupted(run));
    }

    /** Whether a process holds the lock of data that are being prepared. */
    private boolean preparesData(Process process) {
        try (Stream<Path> files = Files.walk(folder.resolve("cache"))) {
            for (Path lock : files.filter(file -> file.toString().endsWith(".lock")).toList()) {
                if (Files.readString(lock).contains("process " + process.pid() + ";")) {
                    return true;
                }
            }
        } catch (IOException | UncheckedIOException e) {
            // It changes meanwhile.
        }
        return false;
    }
}
