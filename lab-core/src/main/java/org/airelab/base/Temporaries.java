package org.airelab.base;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Files and folders that are being filled beside the place they belong to. Those of a program that is ended by Ctrl-C
 * or SIGTERM are deleted with it: they may be gigabytes that nobody would look for.
 */
public final class Temporaries {
    private static final Set<Path> LIVE = ConcurrentHashMap.newKeySet();

    static {
        ShutdownHook.prepare();
    }

    private Temporaries() {
    }

    /**
     * A path beside {@code target}, {@code .<name>.<digits>.tmp}, where nothing is yet; {@link #delete} it when done.
     * The digits are random, not a process's number: processes of several containers, or machines, may share a folder.
     */
    public static Path beside(Path target) {
        UUID random = UUID.randomUUID();
        return register(target.resolveSibling("." + target.getFileName() + "."
                + Long.toUnsignedString(random.getLeastSignificantBits() ^ random.getMostSignificantBits()) + ".tmp"));
    }

    /** Lets a path of the caller's choice be deleted when the program is ended, until {@link #delete} is called. */
    public static Path register(Path temporary) {
        LIVE.add(temporary);
        return temporary;
    }

    /** Deletes a temporary file or folder, if it is still there. */
    public static void delete(Path temporary) throws IOException {
        try {
            Trees.delete(temporary);
        } finally {
            LIVE.remove(temporary);
        }
    }

    /** Deletes what is there, at the end of the process. */
    static void deleteAll() {
        LIVE.forEach(Temporaries::deleteAtTheEnd);
    }

    private static void deleteAtTheEnd(Path temporary) {
        try {
            Trees.delete(temporary);
        } catch (IOException e) {
            // There is nobody left to tell.
        }
    }
}
