package org.airelab.distributed.launch;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import org.airelab.tracking.RunDirectory;

/** The folder of the run that ranks are started for. It may hold an older run until rank 0 starts it over. */
public final class RunFolder {
    private final Path path;
    /** Of the older run's manifest; null without one. */
    private final FileTime older;

    private RunFolder(Path path, FileTime older) {
        this.path = path;
        this.older = older;
    }

    /** A folder whose run, if it holds one, is the one the ranks go on with. */
    public static RunFolder of(Path path) {
        return new RunFolder(path, null);
    }

    /** A folder whose run, if it holds one, is to be started over. */
    public static RunFolder startedOver(Path path) {
        return new RunFolder(path, written(path));
    }

    /** When the manifest there was written; null without one. */
    private static FileTime written(Path path) {
        try {
            return RunDirectory.isRun(path) ? Files.getLastModifiedTime(path.resolve(RunDirectory.MANIFEST)) : null;
        } catch (IOException e) {
            // It has just gone.
            return null;
        }
    }

    /** Where it is. */
    public Path path() {
        return path;
    }

    /** Whether rank 0 has made the folder this run's, so that there is something to go on with. */
    public boolean begun() {
        FileTime now = written(path);
        return now != null && !now.equals(older);
    }

    /** The file of what a rank prints. */
    Path log(int rank) {
        return path.resolve("rank-" + rank + ".log");
    }
}
