package org.airelab.base;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileLocksTest {
    private static final int ROUNDS = 150;

    @TempDir
    private Path folder;

    /** Reads a number from a file and writes the next one: without exclusion, counts get lost. */
    static void count(Path folder) throws IOException {
        Path number = folder.resolve("number");
        for (int i = 0; i < ROUNDS; i++) {
            FileLocks.holding(folder.resolve("lock"), () -> {
                int value = Integer.parseInt(Files.readString(number));
                return Files.writeString(number, Integer.toString(value + 1));
            });
        }
    }

    /** The other process of the test below. */
    public static void main(String[] arguments) throws IOException {
        count(Path.of(arguments[0]));
    }

    @Test
    void processesAndThreadsExcludeEachOther() throws Exception {
        Files.writeString(folder.resolve("number"), "0");
        List<Process> processes = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            processes.add(new ProcessBuilder(ProcessHandle.current().info().command().orElseThrow(), "-cp",
                    System.getProperty("java.class.path"), FileLocksTest.class.getName(), folder.toString())
                    .inheritIO().start());
        }
        Thread thread = Thread.ofPlatform().start(() -> {
            try {
                count(folder);
            } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
            }
        });
        count(folder);
        thread.join();
        for (Process process : processes) {
            assertEquals(0, process.waitFor());
        }
        assertEquals(Integer.toString(4 * ROUNDS), Files.readString(folder.resolve("number")));
        assertFalse(Files.exists(folder.resolve("lock")));
    }

    @Test
    void failingWorkFreesTheLockAndLocksNest() throws IOException {
        Path lock = folder.resolve("new/folder/lock");
        assertThrows(IOException.class, () -> FileLocks.holding(lock, () -> {
            assertTrue(Files.exists(lock));
            throw new IOException("no");
        }));
        assertFalse(Files.exists(lock));
        assertEquals(3, FileLocks.holding(lock, () -> FileLocks.holding(folder.resolve("inner"), () -> 3)));
        // What a process that died left is no obstacle.
        Files.writeString(lock, "left over from a longer time ago, and longer than a mark");
        assertEquals(4, FileLocks.holding(lock, () -> 4));
    }
}
