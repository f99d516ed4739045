package org.airelab.benchmarks.kernels;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.Writer;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.airelab.base.Json;
import org.airelab.base.Temporaries;

/**
 * A {@link BenchmarkFork} in a JVM of its own, with this JVM's flags and environment and a build's classes. It measures
 * when it is told to, and waits in between.
 */
final class ForkProcess implements AutoCloseable {
    private static final int LINES_SHOWN = 5;
    /** What an earlier run has taught the JVM about its classes holds for one class path, and has seen other work. */
    private static final String TAUGHT = "-XX:AOTCache";
    /**
     * How often an OpenMP thread that waits for the others looks again before it sleeps. By default it spins for some
     * milliseconds, and where another program has the other core, it keeps its own from the very thread it waits for.
     */
    private static final String SPINS = "5000";

    private final Path errors = Temporaries.register(Files.createTempFile("lab-bench", ".log"));
    private final Process process;
    private final Writer in;
    private final BufferedReader out;

    /** Starts the JVM on a task. */
    ForkProcess(Task task, Build build) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(command(build)).redirectError(errors.toFile());
        if (!builder.environment().containsKey("OMP_WAIT_POLICY")) {
            builder.environment().putIfAbsent("GOMP_SPINCOUNT", SPINS);
        }
        builder.environment().put("OMP_NUM_THREADS", String.valueOf(task.threads()));
        process = builder.start();
        in = process.outputWriter(StandardCharsets.UTF_8);
        out = process.inputReader(StandardCharsets.UTF_8);
        send(Json.MAPPER.writeValueAsString(task));
    }

    static List<String> command(Build build) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(flag -> !flag.startsWith(TAUGHT) && !flag.equals(JmhLock.IGNORED)).forEach(command::add);
        command.add(JmhLock.IGNORED);
        // Kernels wait until they are compiled: the same code is warm after the same calls, however busy the machine.
        command.add("-Xbatch");
        command.addAll(List.of("-cp", build.classPath(), BenchmarkFork.class.getName()));
        return command;
    }

    private void send(String line) {
        try {
            in.write(line);
            in.write('\n');
            in.flush();
        } catch (IOException e) {
            // The JVM has ended: why is known when its output is read.
        }
    }

    /** Tells it to do something with an item, and waits for what comes of it. */
    Task.Event tell(BenchmarkFork.Command command, int item) throws IOException {
        begin(command, item);
        return event();
    }

    /** Tells it to do something with an item. */
    void begin(BenchmarkFork.Command command, int item) {
        send(command + " " + item);
    }

    /** Tells it that it is its turn, and waits until it is over. */
    Task.Event turn() throws IOException {
        send(BenchmarkFork.TURN);
        return event();
    }

    /** Waits for the next event. */
    Task.Event event() throws IOException {
        String line = out.readLine();
        if (line == null) {
            throw ended();
        }
        return Json.MAPPER.readValue(line, Task.Event.class);
    }

    /** Hands on each event until it ends by itself. */
    void listen(Consumer<Task.Event> events) throws IOException {
        for (String line = out.readLine(); line != null; line = out.readLine()) {
            events.accept(Json.MAPPER.readValue(line, Task.Event.class));
        }
        if (exitCode() != 0) {
            throw ended();
        }
    }

    private int exitCode() throws IOException {
        try {
            return process.waitFor();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while measuring", e);
        }
    }

    private IllegalStateException ended() throws IOException {
        int exitCode = exitCode();
        List<String> lines = Files.readAllLines(errors);
        List<String> last = lines.subList(Math.max(0, lines.size() - LINES_SHOWN), lines.size());
        return new IllegalStateException("the JVM that measures ended with exit code " + exitCode + ": "
                + String.join("; ", last));
    }

    @Override
    public void close() throws IOException {
        process.destroyForcibly();
        Temporaries.delete(errors);
    }
}
