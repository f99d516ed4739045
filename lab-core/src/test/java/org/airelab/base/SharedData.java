package org.airelab.base;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;

/** Real texts that are too large to commit, in {@code ../shared/data} beside the repository; without, tests skip. */
public final class SharedData {
    private SharedData() {
    }

    /** A file of the folder; skips the test, saying so, when it is not there. */
    public static Path file(String name) {
        for (Path at = Path.of("").toAbsolutePath(); at != null; at = at.getParent()) {
            Path file = at.resolveSibling("shared/data").resolve(name);
            if (Files.isRegularFile(file)) {
                return file;
            }
        }
        return Assumptions.abort("skipped: ../shared/data/" + name + " is not there");
    }
}
