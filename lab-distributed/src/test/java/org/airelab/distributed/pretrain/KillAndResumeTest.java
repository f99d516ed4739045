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

/** A run killed by SIGKILL at ten moments, and resumed each time, equals one left in peace, byte for byte. */
@Tag("slow")
class KillAndResumeTest {
    private static final int STEPS = 60;
    private static final int KILLS = 10;
    private static final long PATIENCE_NANOS = TimeUnit.MINUTES.toNanos(2);

    @TempDir
    private Path folder;

    private String[] command(Path run, String... more) throws IOException {
        Object[] options = Stream.concat(Stream.of("--out", run, "--steps", STEPS, "--set", "run.checkpoint_every=5",
                "--set", "model.dropout=0.1"), Stream.of(more)).toArray();
        return LabProcess.tiny(folder, options);
    }

    @Test
    void tenKills() throws Exception {
        Path log = folder.resolve("log.txt");
        Path calm = folder.resolve("calm");
        assertEquals(0, LabProcess.start(folder.resolve("cache-calm"), log, command(calm)).waitFor(), () -> text(log));

        long seed = System.nanoTime();
        Random random = new Random(seed);
        Path killed = folder.resolve("killed");
        Path cache = folder.resolve("cache-killed");
        Files.createDirectories(cache);
        int kills = 0;
        while (kills < KILLS) {
            BooleanSupplier moment = moment(kills, killed, cache, random);
            Process process = LabProcess.start(cache, log, command(killed, "--resume"));
            kill(process, moment);
            assertEquals(128 + 9, process.waitFor(), () -> "it ended by itself, seed " + seed + "\n" + text(log));
            kills++;
        }
        assertEquals(0, LabProcess.start(cache, log, command(killed, "--resume")).waitFor(), () -> text(log));

        Map<String, String> expected = FolderContents.of(FolderContents.checkpoint(calm, STEPS));
        Map<String, String> found = FolderContents.of(FolderContents.checkpoint(killed, STEPS));
        assertEquals(expected.keySet(), found.keySet());
        for (String file : List.of("model.safetensors", "exp_avg.safetensors", "exp_avg_sq.safetensors")) {
            assertEquals(expected.get(file), found.get(file), file + ", seed " + seed);
        }
        assertEquals(LongStream.rangeClosed(1, STEPS).boxed().toList(), FolderContents.trainedSteps(killed),
                "seed " + seed);
        assertEquals(List.of(), names(killed).filter(name -> name.endsWith(".tmp")).toList());
        FolderContents.noTemporaries(cache);
    }

    /** Anywhere in the start, in the preparation of the data, some steps on, and while a checkpoint is written. */
    private static BooleanSupplier moment(int kill, Path run, Path cache, Random random) {
        long start = System.nanoTime();
        long delay = random.nextLong(TimeUnit.MILLISECONDS.toNanos(1500));
        long step = newestStep(run) + 1 + random.nextInt(5);
        return switch (kill) {
            case 0 -> () -> names(cache).anyMatch(name -> name.endsWith(".tmp"));
            case 1, 5 -> () -> System.nanoTime() - start > delay;
            case 3, 6, 8 -> () -> names(run).anyMatch(name -> name.matches("\\.step-\\d+\\.tmp"));
            default -> () -> newestStep(run) >= step;
        };
    }

    private static void kill(Process process, BooleanSupplier moment) throws InterruptedException {
        long start = System.nanoTime();
        while (process.isAlive() && !moment.getAsBoolean()) {
            assertTrue(System.nanoTime() - start < PATIENCE_NANOS, "the moment never came");
            Thread.sleep(0, 200_000);
        }
        process.destroyForcibly();
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

    private static String text(Path log) {
        try {
            return Files.readString(log);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
