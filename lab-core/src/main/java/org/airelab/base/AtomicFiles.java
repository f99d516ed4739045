package org.airelab.base;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/** Files that are there whole or not at all, also after a crash or a full disk. */
public final class AtomicFiles {
    private AtomicFiles() {
    }

    /** Writes a file's content to the path it is given. */
    @FunctionalInterface
    public interface Writer {
        /** Creates, where it is not there, and fills {@code temporary}. */
        void write(Path temporary) throws IOException;
    }

    /**
     * Lets {@code writer} fill a temporary file beside {@code target}, forces it to the disk and moves it over
     * {@code target} in one step. When anything fails, {@code target} is as it was and the temporary file is gone. A
     * symbolic link is followed. What is there and no regular file, a device or a pipe, is written straight into.
     */
    public static void write(Path target, Writer writer) throws IOException {
        if (Files.exists(target) && !Files.isRegularFile(target)) {
            writer.write(target);
            return;
        }
        Path file = Links.follow(target);
        Files.createDirectories(file.getParent());
        Path temporary = Temporaries.beside(file);
        try {
            writer.write(temporary);
            force(temporary);
            move(temporary, file);
        } finally {
            Temporaries.delete(temporary);
        }
        forceFolder(file.getParent());
    }

    /** {@link #write(Path, Writer)} of a UTF-8 text. */
    public static void writeString(Path target, String text) throws IOException {
        write(target, temporary -> Files.writeString(temporary, text));
    }

    /** Flushes a file's content to the disk. */
    public static void force(Path file) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.force(true);
        }
    }

    /** Flushes a folder's entries, so that a rename in it survives a power cut. */
    public static void forceFolder(Path folder) throws IOException {
        try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    private static void move(Path from, Path to) throws IOException {
        try {
            Files.move(from, to, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (AtomicMoveNotSupportedException e) {
            throw new IOException("the file system of " + to + " cannot rename atomically", e);
        }
    }
}
