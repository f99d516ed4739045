package org.airelab.base;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Lets one process at a time do a piece of work on files they share; the others wait. The system frees the lock of a
 * process that dies.
 */
public final class FileLocks {
    /** The system's locks belong to the whole process: its threads queue here. */
    private static final ReentrantLock THREADS = new ReentrantLock();
    /** More than a mark has. */
    private static final int MARK_BYTES = 100;
    /** Far longer than a living holder needs from its lock to its mark. */
    private static final long MARK_PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(1);
    private static final long MARK_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(5);

    private FileLocks() {
    }

    /** Work that may fail. */
    @FunctionalInterface
    public interface Work<T> {
        /** Does it. */
        T run() throws IOException;
    }

    /**
     * Does {@code work} while this thread alone, of all processes, holds the lock {@code file}, which is there only
     * meanwhile. While holding one lock a thread may take another one. Who has to wait for another process says so on
     * standard error.
     */
    public static <T> T holding(Path file, Work<T> work) throws IOException {
        THREADS.lock();
        try {
            for (boolean first = true;; first = false) {
                Files.createDirectories(file.toAbsolutePath().getParent());
                // Closing any channel of a file frees the process's lock on it: the probe stays open as long.
                try (FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.READ,
                        StandardOpenOption.WRITE);
                        FileLock _ = lock(channel, file, first);
                        FileChannel probe = FileChannel.open(file, StandardOpenOption.READ)) {
                    if (areOneFile(channel, probe)) {
                        try {
                            return work.run();
                        } finally {
                            Files.deleteIfExists(file);
                        }
                    }
                } catch (NoSuchFileException e) {
                    if (!Path.of(e.getFile()).equals(file)) {
                        throw e;
                    }
                }
            }
        } finally {
            THREADS.unlock();
        }
    }

    private static FileLock lock(FileChannel channel, Path file, boolean aloud) throws IOException {
        FileLock lock = channel.tryLock();
        if (lock != null) {
            return lock;
        }
        if (aloud) {
            System.err.println("waiting for " + holder(channel) + ", which holds " + file);
        }
        return channel.lock();
    }

    /** A holder writes its mark only after it has the lock, so who comes at the same moment looks again. */
    private static String holder(FileChannel channel) throws IOException {
        long end = System.nanoTime() + MARK_PATIENCE_NANOS;
        do {
            ByteBuffer bytes = ByteBuffer.allocate(MARK_BYTES);
            channel.read(bytes, 0);
            String mark = StandardCharsets.US_ASCII.decode(bytes.flip()).toString();
            if (mark.contains(";")) {
                return mark.substring(0, mark.indexOf(';'));
            }
            LockSupport.parkNanos(MARK_PAUSE_NANOS);
        } while (System.nanoTime() < end);
        return "another process";
    }

    /** Whether the locked file still has its name: whoever held the lock before deleted the file. */
    private static boolean areOneFile(FileChannel locked, FileChannel named) throws IOException {
        byte[] mark = ("process " + ProcessHandle.current().pid() + "; " + UUID.randomUUID())
                .getBytes(StandardCharsets.US_ASCII);
        locked.truncate(0);
        locked.write(ByteBuffer.wrap(mark), 0);
        ByteBuffer found = ByteBuffer.allocate(mark.length);
        named.read(found, 0);
        return Arrays.equals(mark, found.array());
    }
}
