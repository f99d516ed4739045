package org.airelab.tracking;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.airelab.base.UserError;
import org.airelab.tracking.RunDirectory.Existing;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunDirectoryTest {
    @TempDir
    private Path folder;

    @Test
    void namesAreUniqueWithinASecond() {
        Path runs = folder.resolve("deep/runs");
        try (RunDirectory a = RunDirectory.create(runs, "quick"); RunDirectory b = RunDirectory.create(runs, "quick")) {
            assertNotEquals(a.root(), b.root());
            assertTrue(a.root().getFileName().toString().matches("quick-\\d{8}-\\d{6}"), a.root().toString());
            assertEquals(runs, b.root().getParent());
            assertEquals(a.root().resolve("summary.json"), a.file("summary.json"));
        }
    }

    /**
     * As it was found: the folders that were made are gone, an empty one is empty, and what a killed start left is
     * gone.
     */
    @Test
    void aFolderThatBecameNoRunIsLeftAsItWas() throws IOException {
        RunDirectory.create(folder.resolve("runs"), "quick").close();
        assertFalse(Files.exists(folder.resolve("runs")));
        RunDirectory.open(folder.resolve("a/b"), Existing.REFUSE).close();
        assertFalse(Files.exists(folder.resolve("a")));
        Path empty = Files.createDirectory(folder.resolve("empty"));
        RunDirectory.open(empty, Existing.REFUSE).close();
        try (RunDirectory begun = RunDirectory.open(empty, Existing.REFUSE)) {
            Files.writeString(begun.file("config.yaml"), "x");
            Files.writeString(begun.file(".model.yaml.12.tmp"), "x");
        }
        Files.writeString(empty.resolve(".lock"), "process 4711 on an old host");
        Files.writeString(empty.resolve("model.yaml"), "left by a start that was killed");
        RunDirectory.open(empty, Existing.REFUSE).close();
        try (var left = Files.list(empty)) {
            assertEquals(0, left.count());
        }
    }

    @Test
    void emptyOrNewFoldersAreTaken() throws IOException {
        RunDirectory.open(folder.resolve("a/b"), Existing.REFUSE).close();
        RunDirectory.open(folder.resolve("a/b"), Existing.REFUSE).close();
        Files.createDirectory(folder.resolve("empty"));
        RunDirectory.open(folder.resolve("empty"), Existing.OVERWRITE).close();
    }

    @Test
    void othersFilesAreNeverTouched() throws IOException {
        Path file = Files.writeString(folder.resolve("thesis.tex"), "x");
        for (Existing existing : new Existing[] {Existing.REFUSE, Existing.OVERWRITE}) {
            refused(folder, existing, "thesis.tex is in it");
            assertFalse(Files.exists(folder.resolve(".lock")));
        }
        refused(folder, Existing.RESUME, "holds no run to resume");
        refused(file, Existing.REFUSE, "is a file");
        refused(folder.resolve("nowhere"), Existing.RESUME, "holds no run to resume");
        assertFalse(Files.exists(folder.resolve("nowhere")));
    }

    @Test
    void aRunIsResumedOrOverwrittenOnlyWhenAsked() throws IOException {
        Path run = run();
        Files.writeString(run.resolve("notes.txt"), "the user's");
        refused(run, Existing.REFUSE, "holds a run already");
        RunDirectory.open(run, Existing.RESUME).close();
        assertTrue(Files.exists(run.resolve("checkpoints/step-00000001/model.safetensors")));
        RunDirectory.open(run, Existing.OVERWRITE).close();
        assertTrue(Files.exists(run.resolve("checkpoints")), "kept until the new run begins");
        try (RunDirectory over = RunDirectory.open(run, Existing.OVERWRITE)) {
            over.clear();
        }
        assertFalse(Files.exists(run.resolve("checkpoints")) || Files.exists(run.resolve("manifest.json"))
                || Files.exists(run.resolve("metrics.jsonl")));
        assertEquals("the user's", Files.readString(run.resolve("notes.txt")));
    }

    @Test
    void oneProcessWritesAtATime() throws Exception {
        Path run = run();
        try (RunDirectory held = RunDirectory.open(run, Existing.RESUME)) {
            refused(held.root(), Existing.RESUME, "is being written by this process");
            refused(run.resolve("../run"), Existing.OVERWRITE, "is being written by this process");
            assertTrue(Files.exists(run.resolve("metrics.jsonl")), "refused before anything was deleted");
            assertEquals("2 " + run + " is being written by process " + ProcessHandle.current().pid() + " on "
                    + Hardware.hostName() + ".", inAnotherProcess(run));
        }
        assertEquals("opened", inAnotherProcess(run));
        RunDirectory.open(run, Existing.RESUME).close();
    }

    @Test
    void theLockOfAKilledProcessIsFree() throws Exception {
        Path run = run();
        Process process = another(run, "stay");
        assertEquals('o', process.getInputStream().read());
        refused(run, Existing.RESUME, "process " + process.pid());
        process.destroyForcibly().waitFor();
        RunDirectory.open(run, Existing.RESUME).close();
    }

    /** The process that opens a run: prints what happened. */
    static final class Opener {
        private Opener() {
        }

        static void main(String[] arguments) throws InterruptedException {
            try (RunDirectory run = RunDirectory.open(Path.of(arguments[0]), Existing.RESUME)) {
                System.out.print("opened");
                System.out.flush();
                if (arguments.length > 1) {
                    Thread.sleep(60_000);
                }
            } catch (UserError e) {
                System.out.print(e.exitCode() + " " + e.getMessage());
            }
        }
    }

    private static Process another(Path run, String... more) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1", "-cp", System.getProperty("java.class.path"), Opener.class.getName(),
                run.toString()).redirectError(ProcessBuilder.Redirect.INHERIT);
        builder.command().addAll(List.of(more));
        return builder.start();
    }

    private static String inAnotherProcess(Path run) throws Exception {
        Process process = another(run);
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor());
        return output;
    }

    @Test
    void foldersThatCannotBeMadeAreTheMachinesFault() throws IOException {
        Path file = Files.writeString(folder.resolve("file"), "");
        UserError error = assertThrows(UserError.class, () -> RunDirectory.open(file.resolve("run"), Existing.REFUSE));
        assertEquals(UserError.MACHINE, error.exitCode());
        assertThrows(UserError.class, () -> RunDirectory.create(file, "x"));
        Path proc = Path.of("/proc");
        if (Files.isDirectory(proc)) {
            assertEquals(UserError.MACHINE, assertThrows(UserError.class,
                    () -> RunDirectory.open(proc.resolve("run"), Existing.REFUSE)).exitCode());
        }
    }

    private Path run() throws IOException {
        Path run = folder.resolve("run");
        Files.createDirectories(run.resolve("checkpoints/step-00000001"));
        Files.writeString(run.resolve("checkpoints/step-00000001/model.safetensors"), "x");
        Files.writeString(run.resolve("metrics.jsonl"), "");
        Files.writeString(run.resolve("manifest.json"), "{}");
        return run;
    }

    private static void refused(Path folder, Existing existing, String reason) {
        UserError error = assertThrows(UserError.class, () -> RunDirectory.open(folder, existing));
        assertTrue(error.getMessage().contains(reason), error.getMessage());
        assertEquals(UserError.BAD_INPUT, error.exitCode());
    }
}
