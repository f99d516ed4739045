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
import java.util.Map;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.airelab.base.Json;
import org.airelab.base.Temporaries;
import org.airelab.base.UserError;

/**
 * A {@link BenchmarkFork} in a JVM of its own, with this JVM's flags and environment and a build's classes. It measures
 * when it is told to, and waits in between.
 */
final class ForkProcess implements AutoCloseable {
    private static final int LINES_SHOWN = 5;
    private static final int CHARACTERS_SHOWN = 300;
    /** How a line begins that says why a JVM ended; frames of a stack say where. */
    private static final Pattern REASON = Pattern.compile("(?i)(Exception in thread|Caused by:|error).*");
    /** An exit code above is that of a process that a signal ended, and this many above its number. */
    private static final int SIGNALLED = 128;
    private static final int SIGKILL = 9;
    private static final Map<Integer, String> SIGNALS = Map.of(2, "SIGINT", 6, "SIGABRT", SIGKILL, "SIGKILL", 11,
            "SIGSEGV", 15, "SIGTERM");
    /** What an earlier run has taught the JVM about its classes holds for one class path, and has seen other work. */
    static final String TAUGHT = "-XX:AOTCache";
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
        String line = readLine();
        if (line == null) {
            throw ended();
        }
        return Json.MAPPER.readValue(line, Task.Event.class);
    }

    /** The next line of JSON; null at the end. What a native library prints comes between. */
    private String readLine() throws IOException {
        String line = out.readLine();
        while (line != null && !line.startsWith("{")) {
            line = out.readLine();
        }
        return line;
    }

    /** Hands on each event until it ends by itself. */
    void listen(Consumer<Task.Event> events) throws IOException {
        for (String line = readLine(); line != null; line = readLine()) {
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

    private RuntimeException ended() throws IOException {
        int exitCode = exitCode();
        if (exitCode > SIGNALLED) {
            int signal = exitCode - SIGNALLED;
            return UserError.machine("the JVM that measures was ended by signal " + signal
                    + (SIGNALS.containsKey(signal) ? " (" + SIGNALS.get(signal) + ")" : "")
                    + (signal == SIGKILL ? ", perhaps for want of memory" : "") + reasons(),
                    signal == SIGKILL ? "Free memory, or measure fewer families or shapes at once."
                            : "Run lab bench again; where the JVM crashed it has left a file hs_err_pid*.log here.");
        }
        return new IllegalStateException("the JVM that measures ended with exit code " + exitCode + reasons());
    }

    /** What the JVM has printed of why it ended, after a colon; else its last lines that are no warnings. */
    private String reasons() throws IOException {
        List<String> lines = new String(Files.readAllBytes(errors), StandardCharsets.UTF_8).lines()
                .filter(line -> !line.isBlank() && !line.startsWith("\tat ") && !line.startsWith("WARNING: ")).toList();
        List<String> telling = lines.stream().filter(line -> REASON.matcher(line).matches()).toList();
        List<String> shown = telling.isEmpty() ? lines : telling;
        return shown.isEmpty() ? "" : shown.subList(Math.max(0, shown.size() - LINES_SHOWN), shown.size()).stream()
                .map(line -> line.length() <= CHARACTERS_SHOWN ? line : line.substring(0, CHARACTERS_SHOWN) + "...")
                .collect(Collectors.joining("; ", ": ", ""));
    }

    /** Ends the JVM, and waits until it has: then it disturbs no other. */
    @Override
    public void close() {
        process.destroyForcibly().onExit().join();
        try {
            Temporaries.delete(errors);
        } catch (IOException e) {
            // A few lines stay where temporary files are: no reason to leave other JVMs running.
        }
    }
}
