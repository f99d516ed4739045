package org.airelab.base;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;

/** Why input or output failed, in words: what Java's exceptions often say by their class alone. */
public final class IoReasons {
    private IoReasons() {
    }

    /** The reason, with the path where one is known, and without a full stop: "permission denied: /etc/shadow". */
    public static String of(IOException e) {
        return switch (e) {
            case NoSuchFileException missing -> "no such file or folder: " + missing.getFile();
            case AccessDeniedException denied -> "permission denied: " + denied.getFile();
            case FileAlreadyExistsException exists -> "it is there already: " + exists.getFile();
            case NotDirectoryException file -> "not a folder: " + file.getFile();
            case FileSystemException other when other.getReason() != null -> other.getReason() + ": " + other.getFile();
            default -> e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
        };
    }
}
