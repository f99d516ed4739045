package org.airelab.tracking;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** Asks other programs about the machine. */
final class Programs {
    private static final long SECONDS_A_PROGRAM_MAY_TAKE = 10;

    private Programs() {
    }

    /** What a program prints to standard output; empty when there is no such program, it fails or takes too long. */
    static Optional<String> output(String... command) {
        try {
            Path output = Files.createTempFile("program", ".txt");
            try {
                Process process = new ProcessBuilder(command).redirectOutput(output.toFile())
                        .redirectError(ProcessBuilder.Redirect.DISCARD).start();
                process.getOutputStream().close();
                if (!process.waitFor(SECONDS_A_PROGRAM_MAY_TAKE, TimeUnit.SECONDS)) {
                    process.destroyForcibly();
                    return Optional.empty();
                }
                return process.exitValue() == 0
                        ? Optional.of(Files.readString(output, StandardCharsets.UTF_8).strip()) : Optional.empty();
            } finally {
                Files.deleteIfExists(output);
            }
        } catch (IOException e) {
            return Optional.empty();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Optional.empty();
        }
    }
}
