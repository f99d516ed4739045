package org.airelab.benchmarks.kernels;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.airelab.base.Json;
import org.airelab.base.UserError;

/** A {@link BenchmarkFork} in a JVM of its own, with this JVM's flags, class path and environment. */
final class ForkProcess {
    private static final String LOCKED = "Another JMH instance";
    private static final int LINES_SHOWN = 5;
    /**
     * How often an OpenMP thread that waits for the others looks again before it sleeps. By default it spins for some
     * milliseconds, and where another program has the other core, it keeps its own from the very thread it waits for.
     */
    private static final String SPINS = "5000";

    private ForkProcess() {
    }

    /** Runs a task, handing on each event as it comes. */
    static void run(Task task, Consumer<Task.Event> events) throws IOException {
        Path errors = Files.createTempFile("lab-bench", ".log");
        try {
            ProcessBuilder builder = new ProcessBuilder(command()).redirectError(errors.toFile());
            if (!builder.environment().containsKey("OMP_WAIT_POLICY")) {
                builder.environment().putIfAbsent("GOMP_SPINCOUNT", SPINS);
            }
            builder.environment().put("OMP_NUM_THREADS", String.valueOf(task.threads()));
            Process process = builder.start();
            try {
                try (OutputStream in = process.getOutputStream()) {
                    in.write(Json.MAPPER.writeValueAsBytes(task));
                }
                try (BufferedReader out = process.inputReader(StandardCharsets.UTF_8)) {
                    for (String line = out.readLine(); line != null; line = out.readLine()) {
                        events.accept(Json.MAPPER.readValue(line, Task.Event.class));
                    }
                }
                if (process.waitFor() != 0) {
                    throw failure(Files.readAllLines(errors), process.exitValue());
                }
            } finally {
                process.destroyForcibly();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while measuring", e);
        } finally {
            Files.deleteIfExists(errors);
        }
    }

    private static List<String> command() {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
        // Kernels wait until they are compiled: the same code is warm after the same calls, however busy the machine.
        command.add("-Xbatch");
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), BenchmarkFork.class.getName()));
        return command;
    }

    private static RuntimeException failure(List<String> errors, int exitCode) {
        if (errors.stream().anyMatch(line -> line.contains(LOCKED))) {
            return UserError.machine("another JMH benchmark is running here; the two would disturb each other",
                    "Wait until it has ended, then run lab bench again.");
        }
        List<String> last = errors.subList(Math.max(0, errors.size() - LINES_SHOWN), errors.size());
        return new IllegalStateException("the JVM that measures ended with exit code " + exitCode + ": "
                + String.join("; ", last));
    }
}
