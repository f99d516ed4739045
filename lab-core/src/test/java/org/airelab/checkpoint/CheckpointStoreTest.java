package org.airelab.checkpoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeSet;
import org.airelab.base.Hashes;
import org.airelab.base.UserError;
import org.airelab.checkpoint.CheckpointStore.FileWriter;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CheckpointStoreTest {
    @TempDir
    private Path run;

    private final List<String> warnings = new ArrayList<>();

    @Test
    void savesAndFindsTheNewest() throws IOException {
        CheckpointStore store = new CheckpointStore(run, 5);
        assertEquals(Optional.empty(), store.latest(warnings::add));
        store.save(9, files("nine"));
        Checkpoint saved = store.save(100, files("hundred"));
        assertEquals(run.resolve("checkpoints/step-00000100"), saved.folder());
        assertEquals(Optional.of(saved), store.latest(warnings::add));
        assertEquals("hundred", Files.readString(saved.file("state.json")));
        assertEquals(List.of(9L, 100L), store.steps());
        assertEquals(9, store.at(9).step());
        assertTrue(assertThrows(UserError.class, () -> store.at(10)).getMessage().contains("[9, 100]"));
        assertEquals(List.of(), warnings);
    }

    @Test
    void markerTellsSizesAndHashes() throws IOException {
        Checkpoint saved = new CheckpointStore(run, 1).save(3, Map.of("a.json", FileWriter.text("abc")));
        assertEquals("""
                {
                  "format": 1,
                  "step": 3,
                  "files": {
                    "a.json": {
                      "size": 3,
                      "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
                    }
                  }
                }
                """, Files.readString(saved.file("COMPLETE.json")));
    }

    @Test
    void hashesWhateverThePieces() throws IOException {
        byte[] bytes = new byte[5_300_001];
        new Random(5).nextBytes(bytes);
        int[] sizes = {1, 1 << 20, 3, (1 << 20) + 1, 100, (3 << 20) + 17};
        Checkpoint saved = new CheckpointStore(run, 1).save(1, Map.of("x", out -> {
            int at = 0;
            for (int i = 0; at < bytes.length; i++) {
                int length = Math.min(sizes[i % sizes.length], bytes.length - at);
                assertEquals(length, out.write(ByteBuffer.wrap(bytes, at, length)));
                at += length;
            }
        }, "empty", _ -> { }));
        assertArrayEquals(bytes, Files.readAllBytes(saved.file("x")));
        String marker = Files.readString(saved.file("COMPLETE.json"));
        assertTrue(marker.contains(Hashes.sha256(bytes)) && marker.contains(Hashes.sha256(new byte[0])), marker);
    }

    @Test
    void everyTruncationOfEveryFileIsRefused() throws IOException {
        CheckpointStore store = twoCheckpoints();
        for (String name : List.of("model.safetensors", "state.json", "COMPLETE.json")) {
            Path file = store.at(2).file(name);
            byte[] whole = Files.readAllBytes(file);
            for (int length = 0; length < whole.length; length++) {
                Files.write(file, Arrays.copyOf(whole, length));
                assertRefused(store, "step-00000002");
            }
            Files.write(file, Arrays.copyOf(whole, whole.length + 1));
            assertRefused(store, "step-00000002");
            Files.delete(file);
            assertRefused(store, "step-00000002");
            Files.write(file, whole);
            assertEquals(2, store.latest(warnings::add).orElseThrow().step());
        }
    }

    @Test
    void everyFlippedBitIsRefused() throws IOException {
        CheckpointStore store = twoCheckpoints();
        for (String name : List.of("model.safetensors", "state.json", "COMPLETE.json")) {
            Path file = store.at(2).file(name);
            byte[] whole = Files.readAllBytes(file);
            for (int at = 0; at < whole.length; at++) {
                byte[] damaged = whole.clone();
                damaged[at] ^= (byte) (1 << at % 8);
                Files.write(file, damaged);
                assertRefused(store, name.equals("COMPLETE.json") ? "step-00000002" : name + " has other bytes");
            }
            Files.write(file, whole);
        }
    }

    @Test
    void whatWasNotSavedIsRefused() throws IOException {
        CheckpointStore store = twoCheckpoints();
        Path folder = store.at(2).folder();
        Path junk = Files.writeString(folder.resolve("model.bin"), "x");
        assertRefused(store, "[model.bin]");
        Files.delete(junk);
        Files.writeString(folder.resolve(".nfs000001"), "hidden files are the file system's business");
        assertEquals(2, store.latest(warnings::add).orElseThrow().step());
        Files.move(folder, folder.resolveSibling("step-00000007"));
        assertRefused(store, "is of step 2");
    }

    @Test
    void foldersOfOtherNamesAreIgnored() throws IOException {
        CheckpointStore store = twoCheckpoints();
        Files.createDirectories(run.resolve("checkpoints/step-9"));
        Files.createDirectories(run.resolve("checkpoints/other"));
        Files.writeString(run.resolve("checkpoints/step-00000009"), "a file");
        assertEquals(List.of(1L, 2L), store.steps());
        assertEquals(2, store.latest(warnings::add).orElseThrow().step());
        assertEquals(List.of(), warnings);
        Path file = Files.writeString(run.resolve("file"), "");
        Files.createDirectories(run.resolve("r2"));
        Files.copy(file, run.resolve("r2/checkpoints"));
        assertThrows(UserError.class, () -> new CheckpointStore(run.resolve("r2"), 1).latest(warnings::add));
    }

    private void assertRefused(CheckpointStore store, String reason) {
        warnings.clear();
        assertEquals(1, store.latest(warnings::add).orElseThrow().step());
        assertEquals(1, warnings.size());
        assertTrue(warnings.getFirst().contains(reason), warnings.getFirst());
        warnings.clear();
    }

    @Test
    void keepsTheNewestAndTheBest() {
        CheckpointStore store = new CheckpointStore(run, 2);
        for (long step = 1; step <= 3; step++) {
            store.save(step, files("x"));
        }
        assertEquals(List.of(2L, 3L), store.steps());
        assertEquals(Optional.empty(), store.best(warnings::add));
        store.markBest(2, 3.5);
        assertEquals(3.5, store.bestLoss().orElseThrow());
        for (long step = 4; step <= 6; step++) {
            store.save(step, files("x"));
        }
        assertEquals(List.of(2L, 5L, 6L), store.steps());
        assertEquals(2, store.best(warnings::add).orElseThrow().step());
        store.markBest(6, 3.25);
        store.save(7, files("x"));
        assertEquals(List.of(6L, 7L), store.steps());
        store.continueFrom(6);
        assertEquals(6, store.best(warnings::add).orElseThrow().step());
        store.save(7, files("x"));
        store.markBest(7, 3);
        store.continueFrom(6);
        assertEquals(Optional.empty(), store.best(warnings::add), "the run goes another way from step 6 on");
    }

    @Test
    void damagedBestIsTold() throws IOException {
        CheckpointStore store = twoCheckpoints();
        store.markBest(1, 2);
        Files.writeString(store.at(1).file("state.json"), "?");
        assertEquals(Optional.empty(), store.best(warnings::add));
        assertTrue(warnings.getFirst().contains("state.json has 1 bytes"), warnings.getFirst());
        Files.writeString(run.resolve("checkpoints/best.json"), "{");
        assertEquals(Optional.empty(), store.best(warnings::add));
    }

    @Test
    void checkpointsWithoutMarkerDoNotCountAsKept() throws IOException {
        CheckpointStore store = new CheckpointStore(run, 2);
        store.save(1, files("x"));
        store.save(2, files("x"));
        Files.delete(run.resolve("checkpoints/step-00000002/COMPLETE.json"));
        store.save(3, files("x"));
        assertEquals(List.of(1L, 2L, 3L), store.steps());
        store.save(4, files("x"));
        assertEquals(List.of(3L, 4L), store.steps());
    }

    @Test
    void savingAStepAgainReplacesIt() throws IOException {
        CheckpointStore store = twoCheckpoints();
        Checkpoint again = store.save(2, files("again"));
        assertEquals("again", Files.readString(again.file("state.json")));
        assertEquals(again, store.latest(warnings::add).orElseThrow());
        assertEquals(List.of("step-00000001", "step-00000002"), entries());
    }

    @Test
    void continuingFromAStepForgetsLaterOnes() {
        CheckpointStore store = new CheckpointStore(run, 9);
        for (long step = 1; step <= 4; step++) {
            store.save(step, files("x"));
        }
        store.continueFrom(2);
        assertEquals(List.of(1L, 2L), store.steps());
    }

    /** A writer that fails in the first, a middle and the last file, before and after its bytes. */
    @Test
    void aFailingWriterLeavesThePreviousCheckpoint() throws IOException {
        CheckpointStore store = twoCheckpoints();
        for (int failing = 0; failing < 3; failing++) {
            for (boolean late : new boolean[] {false, true}) {
                Map<String, FileWriter> files = new LinkedHashMap<>();
                for (int i = 0; i < 3; i++) {
                    boolean fails = i == failing;
                    files.put("f" + i, out -> {
                        if (late || !fails) {
                            out.write(ByteBuffer.wrap(new byte[100_000]));
                        }
                        if (fails) {
                            throw new IOException("No space left on device");
                        }
                    });
                }
                UserError error = assertThrows(UserError.class, () -> store.save(3, files));
                assertEquals(UserError.MACHINE, error.exitCode());
                assertTrue(error.getMessage().contains("step 3") && error.getMessage().contains("No space left"),
                        error.getMessage());
                assertEquals(List.of("step-00000001", "step-00000002"), entries());
                assertEquals(2, store.latest(warnings::add).orElseThrow().step());
            }
        }
        assertThrows(UserError.class, () -> store.save(3, Map.of("x", _ -> {
            throw new UncheckedIOException(new IOException("Input/output error"));
        })));
        assertThrows(IllegalStateException.class, () -> store.save(2, Map.of("x", _ -> {
            throw new IllegalStateException("a bug in the caller");
        })));
        assertEquals(List.of("step-00000001", "step-00000002"), entries());
        assertEquals(2, store.latest(warnings::add).orElseThrow().step());
        assertEquals(List.of(), warnings);
    }

    @Test
    void aFullDeviceIsASentence() throws IOException {
        Path full = Path.of("/dev/full");
        assumeTrue(Files.exists(full), "skipped: this machine has no /dev/full");
        CheckpointStore store = twoCheckpoints();
        UserError error = assertThrows(UserError.class, () -> store.save(3, Map.of("x", _ -> {
            try (FileChannel device = FileChannel.open(full, StandardOpenOption.WRITE)) {
                device.write(ByteBuffer.wrap(new byte[10]));
            }
        })));
        assertTrue(error.getMessage().contains("No space left on device"), error.getMessage());
    }

    /** Mounts a file system of its own, and so not part of the everyday build. */
    @Test
    @Tag("slow")
    void aFullOrReadOnlyDiskIsASentence() throws Exception {
        Path disk = Files.createDirectory(run.resolve("disk"));
        assumeTrue(shell("mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", disk.toString()),
                "skipped: mounting a small file system needs privileges");
        try {
            CheckpointStore store = new CheckpointStore(disk, 5);
            store.save(1, files("x"));
            Map<String, FileWriter> large = Map.of("model.safetensors",
                    out -> out.write(ByteBuffer.allocateDirect(1 << 20)));
            UserError error = assertThrows(UserError.class, () -> store.save(2, large));
            assertEquals(UserError.MACHINE, error.exitCode());
            assertTrue(error.getMessage().contains("No space left on device"), error.getMessage());
            assertEquals(1, store.latest(warnings::add).orElseThrow().step());
            assertEquals(List.of(), warnings);
            store.save(3, files("there is room again"));
            assertTrue(shell("mount", "-o", "remount,ro", disk.toString()));
            UserError readOnly = assertThrows(UserError.class, () -> store.save(4, files("x")));
            assertTrue(readOnly.getMessage().contains("Read-only file system"), readOnly.getMessage());
            assertEquals(3, store.latest(warnings::add).orElseThrow().step());
        } finally {
            assertTrue(shell("umount", disk.toString()));
        }
    }

    private static boolean shell(String... command) throws InterruptedException {
        try {
            return new ProcessBuilder(command).redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD).start().waitFor() == 0;
        } catch (IOException e) {
            return false;
        }
    }

    @Test
    void aFolderThatCannotBeCreatedIsASentence() throws IOException {
        Files.writeString(run.resolve("checkpoints"), "a file in the way");
        assertEquals(UserError.MACHINE, assertThrows(UserError.class,
                () -> new CheckpointStore(run, 1).save(1, files("x"))).exitCode());
    }

    @Test
    void leftoversOfACrashAreCleaned() throws IOException {
        CheckpointStore store = twoCheckpoints();
        Path root = run.resolve("checkpoints");
        Files.createDirectories(root.resolve(".step-00000003.tmp/deep"));
        Files.writeString(root.resolve(".step-00000003.tmp/deep/model.safetensors"), "half");
        Files.writeString(root.resolve(".best.json.77.tmp"), "{");
        assertEquals(2, store.latest(warnings::add).orElseThrow().step());
        // Killed between the two renames of a replacement: the old checkpoint has stepped aside, the new is not there.
        Files.move(root.resolve("step-00000002"), root.resolve(".step-00000002.replaced"));
        store.continueFrom(2);
        assertEquals(List.of("step-00000001", "step-00000002"), entries());
        assertEquals(2, store.latest(warnings::add).orElseThrow().step());
        // Killed after both: the old one is only to be deleted.
        Files.createDirectories(root.resolve(".step-00000002.replaced"));
        store.save(3, files("x"));
        assertEquals(List.of("step-00000001", "step-00000002", "step-00000003"), entries());
        assertEquals(List.of(), warnings);
    }

    @Test
    void callersMistakesAreArguments() {
        assertThrows(IllegalArgumentException.class, () -> new CheckpointStore(run, 0));
        CheckpointStore store = new CheckpointStore(run, 1);
        assertThrows(IllegalArgumentException.class, () -> store.save(-1, files("x")));
        for (String name : List.of("", "a/b", ".hidden", "COMPLETE.json", "a\\b")) {
            assertThrows(IllegalArgumentException.class, () -> store.save(1, Map.of(name, FileWriter.text(""))));
        }
    }

    /** Kills a process that saves without pause, at moments that differ, and reads what it left. */
    @Test
    void killedAtAnyMomentTheNewestIsWhole() throws Exception {
        long newest = 0;
        for (int round = 0; round < 5; round++) {
            Process process = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                    "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-cp", System.getProperty("java.class.path"),
                    SaveForever.class.getName(), run.toString(), Long.toString(newest))
                    .redirectError(ProcessBuilder.Redirect.INHERIT).start();
            assertEquals('.', process.getInputStream().read(), "the process began to save");
            Thread.sleep(20 + 37L * round);
            process.destroyForcibly().waitFor();
            CheckpointStore store = new CheckpointStore(run, 3);
            Checkpoint latest = store.latest(warnings::add).orElseThrow();
            assertTrue(latest.step() > newest, "progress was made");
            newest = latest.step();
            byte[] content = Files.readAllBytes(latest.file("model.safetensors"));
            assertEquals(SaveForever.BYTES, content.length);
            assertEquals((byte) newest, content[content.length - 1]);
            assertEquals(Long.toString(newest), Files.readString(latest.file("state.json")));
        }
        assertEquals(List.of(), warnings, "nothing half-written ever had a checkpoint's name");
        new CheckpointStore(run, 3).continueFrom(newest);
        assertFalse(entries().stream().anyMatch(name -> name.startsWith(".")), entries().toString());
    }

    /** The process that is killed. */
    static final class SaveForever {
        static final int BYTES = 300_000;

        private SaveForever() {
        }

        static void main(String[] arguments) {
            CheckpointStore store = new CheckpointStore(Path.of(arguments[0]), 3);
            for (long step = Long.parseLong(arguments[1]) + 1;; step++) {
                byte[] content = new byte[BYTES];
                Arrays.fill(content, (byte) step);
                Map<String, FileWriter> files = new LinkedHashMap<>();
                files.put("model.safetensors", out -> out.write(ByteBuffer.wrap(content)));
                files.put("state.json", FileWriter.text(Long.toString(step)));
                store.save(step, files);
                System.out.print('.');
                System.out.flush();
            }
        }
    }

    private CheckpointStore twoCheckpoints() {
        CheckpointStore store = new CheckpointStore(run, 3);
        store.save(1, files("one"));
        store.save(2, files("two"));
        return store;
    }

    private static Map<String, FileWriter> files(String state) {
        return Map.of("state.json", FileWriter.text(state), "model.safetensors",
                out -> out.write(ByteBuffer.wrap("some tensors".getBytes(StandardCharsets.UTF_8))));
    }

    private List<String> entries() throws IOException {
        try (var entries = Files.list(run.resolve("checkpoints"))) {
            return List.copyOf(new TreeSet<>(entries.map(entry -> entry.getFileName().toString()).toList()));
        }
    }
}
