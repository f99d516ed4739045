package org.airelab.distributed.pretrain;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Runs killed by SIGKILL at ten moments, and resumed each time, equal one left in peace, byte for byte. */
@Tag("slow")
class KillAndResumeTest {
    private static final int STEPS = 60;
    private static final int KILLS = 10;
    private static final int MOST_RUNS = 20;
    private static final long PATIENCE_NANOS = TimeUnit.MINUTES.toNanos(10);

    @TempDir
    private Path folder;

    private String[] command(Path run, String... more) throws IOException {
        Object[] options = Stream.concat(Stream.of("--out", run, "--steps", STEPS, "--set", "run.checkpoint_every=5",
                "--set", "model.dropout=0.1"), Stream.of(more)).toArray();
        return LabProcess.tiny(folder, options);
    }

    /** A run may be through before its moment has come: that is another one's, then. */
    @Test
    void tenKills() throws Exception {
        Path calm = folder.resolve("calm");
        assertEquals(0, LabProcess.start(folder.resolve("cache-calm"), log(), command(calm)).waitFor(), this::told);
        long seed = System.nanoTime();
        Random random = new Random(seed);
        int kills = 0;
        for (int run = 0; kills < KILLS; run++) {
            assertTrue(run < MOST_RUNS, "the moment of kill " + kills + " does not come, seed " + seed);
            Path killed = folder.resolve("killed-" + run);
            Path cache = Files.createDirectories(folder.resolve("cache-" + run));
            kills = untilItEnds(killed, cache, kills, random);
            requireSame(calm, killed, "seed " + seed);
            // Of the cache a killed process may leave a lock, which nobody holds, but no part of the data.
            assertEquals(List.of(), FolderContents.of(cache).entrySet().stream()
                    .filter(entry -> entry.getValue().equals("folder") && entry.getKey().contains("/."))
                    .map(Map.Entry::getKey).toList());
        }
    }

    /** Starts a run and resumes it until it ends by itself, and kills it at the moments from one on; the next one. */
    private int untilItEnds(Path run, Path cache, int firstKill, Random random) throws Exception {
        for (int kill = firstKill;; kill++) {
            BooleanSupplier moment = moment(kill, run, cache, random);
            Process process = LabProcess.start(cache, log(), command(run, "--resume"));
            if (kill < KILLS) {
                kill(process, moment);
            }
            if (process.waitFor() == 0) {
                return kill;
            }
            assertEquals(128 + 9, process.exitValue(), this::told);
        }
    }

    private static void requireSame(Path calm, Path killed, String seed) throws IOException {
        Map<String, String> expected = FolderContents.of(FolderContents.checkpoint(calm, STEPS));
        Map<String, String> found = FolderContents.of(FolderContents.checkpoint(killed, STEPS));
        assertEquals(expected.keySet(), found.keySet());
        for (String file : List.of("model.safetensors", "exp_avg.safetensors", "exp_avg_sq.safetensors")) {
            assertEquals(expected.get(file), found.get(file), file + ", " + seed);
        }
        assertEquals(LongStream.rangeClosed(1, STEPS).boxed().toList(), FolderContents.trainedSteps(killed), seed);
        assertEquals(List.of(), names(killed).filter(name -> name.endsWith(".tmp")).toList());
    }

    /** Anywhere in the start, in the preparation of the data, some steps on, and while a checkpoint is written. */
    private static BooleanSupplier moment(int kill, Path run, Path cache, Random random) {
        long start = System.nanoTime();
        long delay = random.nextLong(TimeUnit.MILLISECONDS.toNanos(1500));
        long step = newestStep(run) + 1 + random.nextInt(5);
        return switch (kill) {
            case 0 -> () -> names(cache).anyMatch(name -> name.matches("\\.synthetic-.*\\.tmp"));
            case 1, 5 -> () -> System.nanoTime() - start > delay;
            case 3, 6, 8 -> () -> names(run).anyMatch(name -> name.matches("\\.step-\\d+\\.tmp"));
            default -> () -> newestStep(run) >= step;
        };
    }

    private static void kill(Process process, BooleanSupplier moment) throws InterruptedException {
        long start = System.nanoTime();
        try {
            while (process.isAlive() && !moment.getAsBoolean()) {
                assertTrue(System.nanoTime() - start < PATIENCE_NANOS, "it hangs");
                Thread.sleep(0, 200_000);
            }
        } finally {
            process.destroyForcibly();
        }
    }

    private static long newestStep(Path run) {
        try {
            List<Long> steps = FolderContents.trainedSteps(run);
            return steps.isEmpty() ? 0 : steps.getLast();
        } catch (IOException | UncheckedIOException | NumberFormatException e) {
            // Not there yet, or its last line is half-written.
            return 0;
        }
    }

    /** The names of all files below a folder that changes meanwhile. */
    private static Stream<String> names(Path root) {
        try (Stream<Path> paths = Files.walk(root, 2)) {
            return paths.map(path -> path.getFileName().toString()).toList().stream();
        } catch (UncheckedIOException | NoSuchFileException e) {
            return Stream.empty();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Path log() {
        return folder.resolve("log.txt");
    }

    private String told() {
        try {
            return Files.readString(log());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
