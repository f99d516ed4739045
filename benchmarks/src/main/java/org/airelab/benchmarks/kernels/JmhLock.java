package org.airelab.benchmarks.kernels;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.airelab.base.IoReasons;
import org.airelab.base.UserError;

/**
 * The lock by which JMH lets one benchmark run on a machine at a time. The lab takes it for as long as it measures, and
 * lets its JVMs ignore it: those of several builds measure in turn.
 */
final class JmhLock implements AutoCloseable {
    /** The flag of JVMs that measure for a lab that has the lock. */
    static final String IGNORED = "-Djmh.ignoreLock=true";

    /** Null where it is ignored. */
    private final FileChannel channel;

    private JmhLock(FileChannel channel) {
        this.channel = channel;
    }

    /**
     * Takes the machine's lock, unless this JVM has been told to ignore it.
     *
     * @throws UserError (machine) when another benchmark has it
     */
    static JmhLock take() {
        return Boolean.getBoolean("jmh.ignoreLock") ? new JmhLock(null)
                : take(Path.of(System.getProperty("java.io.tmpdir"), "jmh.lock"));
    }

    static JmhLock take(Path file) {
        try {
            FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            if (locked(channel)) {
                return new JmhLock(channel);
            }
            channel.close();
        } catch (IOException e) {
            throw UserError.machine("JMH's lock " + file + " cannot be opened: " + IoReasons.of(e) + ".",
                    "Let its owner delete it, or measure without: LAB_JAVA_OPTS=" + IGNORED + ".");
        }
        throw UserError.machine("another JMH benchmark is running here; the two would disturb each other.",
                "Wait until it has ended, then run lab bench again.");
    }

    private static boolean locked(FileChannel channel) throws IOException {
        try {
            FileLock lock = channel.tryLock();
            return lock != null;
        } catch (OverlappingFileLockException e) {
            return false;
        }
    }

    @Override
    public void close() throws IOException {
        if (channel != null) {
            channel.close();
        }
    }
}
