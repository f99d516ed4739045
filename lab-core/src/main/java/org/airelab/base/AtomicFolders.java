package org.airelab.base;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystemException;
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
     * fails, {@code target} is as it was and the temporary folder is gone. A symbolic link is followed.
     *
     * @throws UserError (bad input) when {@code target} is a file, a folder that holds something, or one that cannot
     *                   be replaced, such as a mount point
     */
    public static void write(Path target, Writer writer) throws IOException {
        requireFree(target);
        Path place = Links.follow(target);
        AtomicFiles.createFolders(place.getParent());
        requireReplaceable(target);
        Path temporary = Temporaries.beside(place);
        try {
            try {
                Files.createDirectory(temporary);
                writer.write(temporary);
                AtomicFiles.forceFolder(temporary);
                Files.move(temporary, place, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            } finally {
                Temporaries.delete(temporary);
            }
        } catch (FileSystemException e) {
            throw AtomicFiles.named(e, temporary, target);
        }
        AtomicFiles.forceFolder(place.getParent());
    }

    /**
     * Makes sure, before long work, that a folder which is there and empty can be replaced at its end: by putting
     * another empty one in its place. A folder that is not there is fine.
     *
     * @throws UserError (bad input) when it cannot, as a mount point
     */
    public static void requireReplaceable(Path folder) throws IOException {
        if (!Files.exists(folder)) {
            return;
        }
        Path place = folder.toRealPath();
        Path empty = Files.createDirectory(Temporaries.beside(place));
        try {
            Files.move(empty, place, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw UserError.badInput("The empty folder " + folder + " cannot be replaced by the finished one ("
                    + IoReasons.of(e) + ").", "Name a folder in it that is not there yet, such as "
                            + folder.resolve("data") + ".", e);
        } finally {
            Temporaries.delete(empty);
        }
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
