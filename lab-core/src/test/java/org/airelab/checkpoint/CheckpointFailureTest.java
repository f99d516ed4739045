package org.airelab.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.airelab.base.UserError;
import org.airelab.checkpoint.CheckpointStore.FileWriter;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Saving that fails, or is killed. */
class CheckpointFailureTest extends CheckpointFixture {
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
}
