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
import java.util.UUID;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Lets one process at a time do a piece of work on files they share; the others wait. The system frees the lock of a
 * process that dies.
 */
public final class FileLocks {
    /** The system's locks belong to the whole process: its threads queue here. */
    private static final ReentrantLock THREADS = new ReentrantLock();

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
     * meanwhile. While holding one lock a thread may take another one.
     */
    public static <T> T holding(Path file, Work<T> work) throws IOException {
        Files.createDirectories(file.toAbsolutePath().getParent());
        THREADS.lock();
        try {
            while (true) {
                try (FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                        FileLock _ = channel.lock()) {
                    if (isStill(file, channel)) {
                        try {
                            return work.run();
                        } finally {
                            Files.deleteIfExists(file);
                        }
                    }
                }
            }
        } finally {
            THREADS.unlock();
        }
    }

    /** Whether the locked file still has its name: whoever held the lock before deleted the file. */
    private static boolean isStill(Path file, FileChannel locked) throws IOException {
        String mark = UUID.randomUUID().toString();
        locked.truncate(0);
        locked.write(ByteBuffer.wrap(mark.getBytes(StandardCharsets.US_ASCII)), 0);
        try {
            return Files.readString(file).equals(mark);
        } catch (NoSuchFileException e) {
            return false;
        }
    }
}
