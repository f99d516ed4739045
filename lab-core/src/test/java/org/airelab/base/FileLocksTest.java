package org.airelab.base;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

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

    /** The other process of the tests below: one that counts, or one that holds the lock until its input ends. */
    public static void main(String[] arguments) throws Exception {
        Path folder = Path.of(arguments[0]);
        if (arguments.length == 1) {
            quietly(() -> count(folder));
            return;
        }
        if (arguments[1].equals("late")) {
            holdWithLateMark(folder.resolve("lock"));
            return;
        }
        FileLocks.holding(folder.resolve("lock"), FileLocksTest::hold);
    }

    private static int hold() throws IOException {
        System.out.write('h');
        System.out.flush();
        return System.in.read();
    }

    /** As a holder that the system keeps from running just after it got the lock. */
    private static void holdWithLateMark(Path lock) throws Exception {
        try (FileChannel channel = FileChannel.open(lock, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                FileLock _ = channel.lock()) {
            Thread.ofPlatform().daemon().start(() -> {
                try {
                    Thread.sleep(100);
                    Files.writeString(lock, "process " + ProcessHandle.current().pid() + "; late");
                } catch (IOException | InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            });
            hold();
        }
    }

    /** Counting processes wait for one another hundreds of times. */
    private static void quietly(Executable work) throws IOException {
        PrintStream before = System.err;
        System.setErr(new PrintStream(OutputStream.nullOutputStream()));
        try {
            work.execute();
        } catch (Throwable e) {
            throw new IOException(e);
        } finally {
            System.setErr(before);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"hold", "late"})
    @Timeout(60)
    void whoWaitsSaysForWhom(String how) throws Exception {
        Process holder = new ProcessBuilder(ProcessHandle.current().info().command().orElseThrow(), "-cp",
                System.getProperty("java.class.path"), FileLocksTest.class.getName(), folder.toString(), how)
                .redirectError(ProcessBuilder.Redirect.INHERIT).start();
        assertEquals('h', holder.getInputStream().read());
        var said = new ByteArrayOutputStream();
        PrintStream before = System.err;
        // What is said lets the other process go.
        System.setErr(new PrintStream(said, true, StandardCharsets.UTF_8) {
            @Override
            public void println(String line) {
                super.println(line);
                holder.destroy();
            }
        });
        try {
            assertEquals(5, FileLocks.holding(folder.resolve("lock"), () -> 5));
        } finally {
            System.setErr(before);
        }
        assertEquals("waiting for process " + holder.pid() + ", which holds " + folder.resolve("lock"),
                said.toString(StandardCharsets.UTF_8).strip());
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
        quietly(() -> countTwice(processes));
        assertEquals(Integer.toString(4 * ROUNDS), Files.readString(folder.resolve("number")));
        assertFalse(Files.exists(folder.resolve("lock")));
    }

    private void countTwice(List<Process> processes) throws Exception {
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
