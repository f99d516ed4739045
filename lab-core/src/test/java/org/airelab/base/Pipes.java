package org.airelab.base;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Assumptions;

/** Named pipes: files that are no files, which no test can harm. */
public final class Pipes {
    private Pipes() {
    }

    /** Makes one; skips the test, saying so, where the system has none. */
    public static Path make(Path pipe) throws InterruptedException {
        try {
            int status = new ProcessBuilder("mkfifo", pipe.toString()).inheritIO().start().waitFor();
            Assumptions.assumeTrue(status == 0, "skipped: mkfifo makes no pipe here");
        } catch (IOException e) {
            Assumptions.abort("skipped: this system has no mkfifo");
        }
        return pipe;
    }

    /** Reads a pipe to its end in a thread of its own. */
    public static CompletableFuture<byte[]> read(Path pipe) {
        return CompletableFuture.supplyAsync(() -> {
            try (InputStream in = Files.newInputStream(pipe)) {
                return in.readAllBytes();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
    }
}
