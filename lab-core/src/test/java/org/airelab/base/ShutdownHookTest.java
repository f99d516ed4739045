package org.airelab.base;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ShutdownHookTest {
    /** What a hook writes goes through a temporary file; those left are deleted after it. */
    @Test
    void filesOfHooksAreWrittenAndTemporariesDeleted(@TempDir Path folder) throws Exception {
        Path log = folder.resolve("log.txt");
        Process ended = new ProcessBuilder(ProcessHandle.current().info().command().orElseThrow(), "-cp",
                System.getProperty("java.class.path"), Program.class.getName(), folder.toString())
                .redirectErrorStream(true).redirectOutput(log.toFile()).start();
        assertEquals(143, ended.waitFor(), () -> read(log));
        for (int i = 0; i < Program.FILES; i++) {
            assertEquals("written at the end", read(folder.resolve("end-" + i + ".txt")));
        }
        assertTrue(read(log).contains("error: fails: as it should"), read(log));
        try (var files = Files.list(folder)) {
            assertEquals(List.of(), files.filter(file -> file.toString().endsWith(".tmp")).toList());
        }
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            return e.toString();
        }
    }

    /** Is ended with a temporary of its own, and with many hooks that write files. */
    static final class Program {
        static final int FILES = 50;

        private Program() {
        }

        public static void main(String[] arguments) throws IOException {
            Path folder = Path.of(arguments[0]);
            Files.writeString(Temporaries.beside(folder.resolve("half")), "half");
            new ShutdownHook("closed", () -> write(folder.resolve("closed.txt"))).close();
            new ShutdownHook("fails", () -> {
                throw new IllegalStateException("as it should");
            });
            for (int i = 0; i < FILES; i++) {
                Path file = folder.resolve("end-" + i + ".txt");
                new ShutdownHook("end", () -> write(file));
            }
            System.exit(143);
        }

        private static void write(Path file) {
            try {
                AtomicFiles.writeString(file, "written at the end");
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
