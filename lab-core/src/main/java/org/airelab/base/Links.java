package org.airelab.base;

import java.io.IOException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Symbolic links, followed. */
public final class Links {
    /** As many as Linux follows. */
    private static final int MOST = 40;

    private Links() {
    }

    /**
     * Where a file or folder is, or will be once it is made: an absolute path whose last part is no link. A rename to
     * that path replaces what a link points to, and not the link.
     */
    public static Path follow(Path path) throws IOException {
        if (Files.exists(path)) {
            return path.toRealPath();
        }
        Path place = path.toAbsolutePath();
        for (int links = 0; Files.isSymbolicLink(place); links++) {
            if (links == MOST) {
                throw new FileSystemLoopException(path.toString());
            }
            place = place.resolveSibling(Files.readSymbolicLink(place));
        }
        return place.normalize();
    }
}
