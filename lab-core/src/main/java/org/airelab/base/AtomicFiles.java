package org.airelab.base;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
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
        createFolders(file.getParent());
        Path temporary = Temporaries.beside(file);
        try {
            try {
                writer.write(temporary);
                force(temporary);
                move(temporary, file);
            } finally {
                Temporaries.delete(temporary);
            }
        } catch (FileSystemException e) {
            throw named(e, temporary, target);
        }
        forceFolder(file.getParent());
    }

    /**
     * Makes sure, before long work, that there is a place to {@link #write} a file to: makes the folders it is to lie
     * in, and for a moment another file beside it.
     *
     * @throws UserError (bad input) that names the path as it was given
     */
    public static void requireWritable(Path target) {
        try {
            if (Files.isDirectory(target)) {
                throw new FileSystemException(target.toString(), null, "it is a folder");
            }
            if (!Files.exists(target) || Files.isRegularFile(target)) {
                Path file = Links.follow(target);
                createFolders(file.getParent());
                tryFolder(file.getParent());
            }
        } catch (IOException e) {
            throw UserError.badInput("cannot write " + target + " (" + IoReasons.of(e) + ")",
                    "Name a file in a folder that can be written.", e);
        }
    }

    /** Makes a file in a folder, for a moment; an error names the folder. */
    public static void tryFolder(Path folder) throws IOException {
        if (!Files.isDirectory(folder)) {
            throw new NotDirectoryException(folder.toString());
        }
        Path temporary = Temporaries.beside(folder.resolve("writable"));
        try {
            try {
                Files.createFile(temporary);
            } finally {
                Temporaries.delete(temporary);
            }
        } catch (FileSystemException e) {
            throw named(e, temporary, folder);
        }
    }

    /** Makes a folder and those above it that are not there; an error names the file that is in the way. */
    public static void createFolders(Path folder) throws IOException {
        try {
            Files.createDirectories(folder);
        } catch (FileSystemException e) {
            for (Path path = folder; path != null; path = path.getParent()) {
                if (Files.exists(path) && !Files.isDirectory(path)) {
                    throw new NotDirectoryException(path.toString());
                }
            }
            throw e;
        }
    }

    /** What failed at a temporary file or folder, of the path a user knows. */
    static FileSystemException named(FileSystemException e, Path temporary, Path known) {
        if (!temporary.toString().equals(e.getFile())) {
            return e;
        }
        FileSystemException named = switch (e) {
            case AccessDeniedException _ -> new AccessDeniedException(known.toString());
            case NoSuchFileException _ -> new FileSystemException(known.toString(), null, "no file can be made there");
            default -> new FileSystemException(known.toString(), null, e.getReason());
        };
        named.initCause(e);
        return named;
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
