package org.airelab.tracking;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import org.airelab.base.UserError;

/** That one process writes to a folder: a file in it, locked, which says who holds it. */
final class RunLock implements AutoCloseable {
    /** The file's name. */
    static final String NAME = ".lock";

    private static final int MOST_SPACES = 4096;

    /** Folders this process holds: closing a second channel to a lock file would give up the first one's lock. */
    private static final Set<Path> HELD = ConcurrentHashMap.newKeySet();

    private final Path file;
    private final Path key;
    private final FileChannel channel;

    private RunLock(Path file, Path key, FileChannel channel) {
        this.file = file;
        this.key = key;
        this.channel = channel;
    }

    /**
     * Takes the lock of a folder.
     *
     * @throws UserError (bad input) when another process, or this one, has it
     */
    static RunLock take(Path folder) throws IOException {
        Path key = folder.toRealPath();
        if (!HELD.add(key)) {
            throw held(folder, "this process");
        }
        Path file = folder.resolve(NAME);
        FileChannel channel = null;
        try {
            channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.READ,
                    StandardOpenOption.WRITE);
            FileLock lock = channel.tryLock();
            if (lock == null) {
                throw held(folder, holder(channel));
            }
            channel.truncate(0).write(StandardCharsets.UTF_8.encode(me()), 0);
            if (!isNamed(channel, file)) {
                throw held(folder, "another process");
            }
            return new RunLock(file, key, channel);
        } catch (IOException | RuntimeException e) {
            HELD.remove(key);
            if (channel != null) {
                channel.close();
            }
            throw e;
        }
    }

    /** Gives the lock back. The operating system does so, too, when this process dies. */
    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            // The lock ends with the process at the latest.
        } finally {
            HELD.remove(key);
        }
    }

    /** Deletes the file, still locked: whoever waits for it finds that it has gone. */
    void delete() throws IOException {
        Files.deleteIfExists(file);
    }

    /** This process, with as many spaces behind it as no other would have. */
    private static String me() {
        return "process " + ProcessHandle.current().pid() + " on " + Hardware.hostName()
                + " ".repeat(1 + ThreadLocalRandom.current().nextInt(MOST_SPACES));
    }

    /**
     * Whether the file that was locked still has its name: its last holder may have deleted it, and another process may
     * have made a new one. It is known by its size, because to open it and close it again would give up the lock.
     */
    private static boolean isNamed(FileChannel locked, Path name) throws IOException {
        try {
            return Files.size(name) == locked.size();
        } catch (NoSuchFileException e) {
            return false;
        }
    }

    private static String holder(FileChannel channel) throws IOException {
        ByteBuffer text = ByteBuffer.allocate(200);
        channel.read(text, 0);
        String holder = StandardCharsets.UTF_8.decode(text.flip()).toString().strip();
        return holder.isEmpty() ? "another process" : holder;
    }

    private static UserError held(Path folder, String holder) {
        return UserError.badInput(folder + " is being written by " + holder + ".",
                "Wait until that run has ended, or give --out another folder.");
    }
}
