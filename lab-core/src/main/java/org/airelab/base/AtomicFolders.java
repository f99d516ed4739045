package org.airelab.base;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/** Folders that are there complete or not at all. */
public final class AtomicFolders {
    private AtomicFolders() {
    }

    /** Fills a folder. */
    @FunctionalInterface
    public interface Writer {
        /** Writes everything into {@code temporary}, which exists and is empty, and forces it to the disk. */
        void write(Path temporary) throws IOException;
    }

    /**
     * Lets {@code writer} fill a temporary folder beside {@code target} and renames it in one step. When anything
     * fails, {@code target} is as it was and the temporary folder is gone.
     *
     * @throws UserError (bad input) when {@code target} is a file, or a folder that holds something
     */
    public static void write(Path target, Writer writer) throws IOException {
        requireFree(target);
        Path absolute = target.toAbsolutePath().normalize();
        Path parent = absolute.getParent();
        Files.createDirectories(parent);
        Path temporary = Files.createTempDirectory(parent, "." + absolute.getFileName() + ".");
        try {
            Path content = Files.createDirectory(temporary.resolve("content"));
            writer.write(content);
            AtomicFiles.forceFolder(content);
            Files.move(content, absolute, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Trees.delete(temporary);
        }
        AtomicFiles.forceFolder(parent);
    }

    private static void requireFree(Path target) throws IOException {
        if (!Files.exists(target, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        if (!Files.isDirectory(target)) {
            throw UserError.badInput(target + " is not a folder.", "Name a folder that is new or empty.");
        }
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(target)) {
            if (entries.iterator().hasNext()) {
                throw UserError.badInput("The folder " + target + " is not empty.",
                        "Name a folder that is new or empty, or delete this one first.");
            }
        }
    }
}
