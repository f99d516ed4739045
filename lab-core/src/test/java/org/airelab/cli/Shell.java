package org.airelab.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/** Runs bash for the tests of the launcher. */
final class Shell {
    private Shell() {
    }

    /** What came of a script. */
    record Result(int exitCode, String out, String err) {
    }

    /** The repository's launcher. */
    static Path launcher() {
        Path folder = Path.of(System.getProperty("user.dir")).toAbsolutePath();
        while (!Files.isRegularFile(folder.resolve("lab")) || !Files.isRegularFile(folder.resolve("pom.xml"))) {
            folder = folder.getParent();
            if (folder == null) {
                throw new IllegalStateException("no folder above " + System.getProperty("user.dir")
                        + " holds lab and pom.xml");
            }
        }
        return folder.resolve("lab");
    }

    /** Runs a line after the launcher's functions are defined. */
    static Result sourced(String line) {
        return run("source '" + launcher() + "'; " + line);
    }

    /** Runs a line. */
    static Result run(String line) {
        return start(Map.of(), "/bin/bash", "--norc", "-c", line).end();
    }

    /** A process with its output in files, so that it cannot block. */
    record Running(Process process, Path out, Path err) {
        Result end() {
            try {
                int exitCode = process.waitFor();
                var result = new Result(exitCode, Files.readString(out), Files.readString(err));
                Files.delete(out);
                Files.delete(err);
                return result;
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            } catch (InterruptedException e) {
                throw new IllegalStateException("interrupted while waiting for " + process, e);
            }
        }
    }

    /** Starts a program with more or other environment variables; a variable that becomes empty is unset. */
    static Running start(Map<String, String> environment, String... command) {
        try {
            Path out = Files.createTempFile("shell", ".out");
            Path err = Files.createTempFile("shell", ".err");
            var builder = new ProcessBuilder(command).redirectOutput(out.toFile()).redirectError(err.toFile())
                    .redirectInput(Path.of("/dev/null").toFile());
            environment.forEach((name, value) -> {
                if (value.isEmpty()) {
                    builder.environment().remove(name);
                } else {
                    builder.environment().put(name, value);
                }
            });
            return new Running(builder.start(), out, err);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Writes an executable script. */
    static Path script(Path file, String lines) throws IOException {
        Files.createDirectories(file.getParent());
        Files.write(file, ("#!/bin/bash\n" + lines + "\n").getBytes(StandardCharsets.UTF_8));
        if (!file.toFile().setExecutable(true)) {
            throw new IOException(file + " cannot be made executable");
        }
        return file;
    }
}
