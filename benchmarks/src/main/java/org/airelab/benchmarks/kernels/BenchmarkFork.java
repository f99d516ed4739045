package org.airelab.benchmarks.kernels;

import com.fasterxml.jackson.core.JsonProcessingException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.airelab.base.Json;
import org.airelab.base.NativeExit;
import org.airelab.base.ShutdownHook;
import org.airelab.benchmarks.kernels.gpu.GpuWatch;
import org.airelab.benchmarks.kernels.gpu.Measured;
import org.airelab.benchmarks.kernels.workload.Workload;
import org.airelab.benchmarks.kernels.workload.Workloads;
import org.airelab.kernels.DType;
import org.airelab.kernels.Family;
import org.airelab.kernels.Rung;
import org.airelab.kernels.cpu.Parallel;
import org.airelab.kernels.cuda.CudaRung;
import org.openjdk.jmh.runner.BenchmarkException;
import org.openjdk.jmh.runner.RunnerException;

/**
 * The JVM in which JMH measures: reads a {@link Task} as a line of JSON from standard input, then {@link Command}s with
 * the number of an item, a line each, and prints a {@link Task.Event} for each as a line of JSON. JMH's own forks
 * measure one benchmark each; here one JVM comes back to each of its kernels several times, so JMH runs within it.
 */
// The lab that talks to it may be another build's (lab bench --base): the resource file named protocol holds a number,
// to be raised when tasks, commands or events are no longer understood by, or mean something else to, an earlier one.
final class BenchmarkFork {
    /** Warm-ups in a row that are no better, after which a kernel counts as warm. */
    private static final int STEADY_WARMUPS = 2;
    private static final double BETTER = 0.97;
    /** Calls this long are soon warm, and each is a sample: nothing has to be left out or added up. */
    private static final double SLOW_MILLIS = 100;

    /** What the JVM can be told. */
    enum Command {
        WARM_UP,
        SAMPLE,
        /** A sample of which each iteration waits for {@link #TURN}. */
        SAMPLE_IN_TURN
    }

    /** What the JVM is told when it is its turn. */
    static final String TURN = "TURN";

    private final Task task;
    private final Set<Task.Item> slow = new HashSet<>();
    private final Set<Task.Item> ofOneThread = new HashSet<>();
    private final PrintStream out;
    /** Null on the CPU. */
    private final GpuWatch gpu;

    private BenchmarkFork(Task task, PrintStream out, GpuWatch gpu) {
        this.task = task;
        this.out = out;
        this.gpu = gpu;
    }

    public static void main(String[] arguments) throws IOException, RunnerException {
        PrintStream out = System.out;
        // Whatever else prints must not come between the events.
        System.setOut(System.err);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        Task task = Json.MAPPER.readValue(in.readLine(), Task.class);
        Machine.useLibtorchsThreads();
        Parallel.setThreads(task.threads());
        // Ctrl-C in a terminal reaches this process too, while it computes.
        try (ShutdownHook _ = new ShutdownHook("exit", NativeExit::skipDestructors);
                GpuWatch gpu = task.cuda() ? new GpuWatch() : null) {
            new BenchmarkFork(task, out, gpu).run(in);
        }
        // DJL's and OpenMP's threads have nothing left to do.
        System.exit(0);
    }

    private void run(BufferedReader commands) throws IOException, RunnerException {
        if (task.accuracy()) {
            if (gpu == null) {
                printErrors();
            } else {
                printErrorsOnGpu();
            }
            return;
        }
        for (String line = commands.readLine(); line != null; line = commands.readLine()) {
            String[] words = line.split(" ");
            int item = Integer.parseInt(words[1]);
            switch (Command.valueOf(words[0])) {
                case WARM_UP -> warmUp(item);
                case SAMPLE -> sample(item);
                case SAMPLE_IN_TURN -> {
                    Turns.take(() -> awaitTurn(item, commands), ofOneThread.contains(task.items().get(item)));
                    sample(item);
                    Turns.end();
                }
            }
        }
    }

    private void awaitTurn(int item, BufferedReader commands) {
        print(item, Task.Kind.READY, null);
        try {
            String line = commands.readLine();
            if (!TURN.equals(line)) {
                throw new IllegalStateException("expected " + TURN + ", found " + line);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Warms up an item, or finds that this build has not got it, or a library cannot do it on this GPU. */
    private void warmUp(int i) throws RunnerException {
        if (!known(task.items().get(i))) {
            print(new Task.Event(i, Task.Kind.ABSENT, null, "this build has no such kernel", null));
            return;
        }
        try {
            warmUp(task.items().get(i));
        } catch (RunnerException e) {
            if (gpu == null || !library(task.items().get(i))) {
                throw new IllegalStateException(task.items().get(i) + ": " + reason(e), e);
            }
            print(new Task.Event(i, Task.Kind.ABSENT, null, reason(e), null));
            return;
        }
        print(i, Task.Kind.WARM, null);
    }

    /** What JMH wraps, sometimes as a cause and sometimes beside it. */
    private static String reason(Throwable error) {
        Throwable inner = error;
        while (inner.getCause() != null || inner.getSuppressed().length > 0 && inner instanceof BenchmarkException) {
            inner = inner.getCause() != null ? inner.getCause() : inner.getSuppressed()[0];
        }
        return String.valueOf(inner.getMessage()).lines().findFirst().orElse(inner.getClass().getName());
    }

    /** Visits a kernel until it does not get faster any more: the compiler works while it runs. */
    private void warmUp(Task.Item item) throws RunnerException {
        double best = Double.POSITIVE_INFINITY;
        int steady = 0;
        for (int i = 0; i < task.schedule().mostWarmups() && steady < (best > SLOW_MILLIS ? 1 : STEADY_WARMUPS); i++) {
            Disturbance.reset();
            double time = Visit.millis(task, item, 1, task.schedule().warmupMillis());
            steady = time < BETTER * best ? 0 : steady + 1;
            best = Math.min(best, time);
        }
        if (best > SLOW_MILLIS) {
            slow.add(item);
        }
        if (Disturbance.oneThread()) {
            ofOneThread.add(item);
        }
    }

    private void printErrors() {
        Map<String, List<float[]>> references = new HashMap<>();
        for (int i = 0; i < task.items().size(); i++) {
            Task.Item item = task.items().get(i);
            print(Task.Event.of(i, hasError(item) ? compare(item, references) : null));
        }
    }

    private void printErrorsOnGpu() {
        try (DeviceTrials trials = new DeviceTrials(gpu.stream())) {
            for (int i = 0; i < task.items().size(); i++) {
                Task.Item item = task.items().get(i);
                print(Task.Event.of(i, hasError(item) ? compare(item, trials).orElse(null) : null));
            }
        }
    }

    private static Optional<Accuracy.Comparison> compare(Task.Item item, DeviceTrials trials) {
        try {
            return trials.compare(item);
        } catch (RuntimeException e) {
            if (library(item)) {
                // Why will be told when it cannot be measured either.
                return Optional.empty();
            }
            throw new IllegalStateException(item + ": " + e.getMessage(), e);
        }
    }

    private boolean hasError(Task.Item item) {
        return !item.kernel().equals(Task.ROOFLINE) && known(item);
    }

    /** Whether this build has an item: the build it is measured in turn with may be newer. */
    private boolean known(Task.Item item) {
        return item.kernel().equals(Task.ROOFLINE) || Workloads.lookUp(item.workload())
                .filter(workload -> library(item) ? task.cuda() || workload.baseline() != null
                        : rungs(Workloads.family(workload), item.dtype()).anyMatch(item.kernel()::equals)).isPresent();
    }

    private Stream<String> rungs(Family<?> family, DType dtype) {
        return task.cuda() ? family.cudaRungs().stream().filter(rung -> rung.dtypes().contains(dtype))
                .map(CudaRung::name) : family.rungs().stream().map(Rung::name);
    }

    /** Whether an item is a library, with which rungs are compared. */
    static boolean library(Task.Item item) {
        return item.kernel().equals(Measured.CUBLAS) || item.kernel().equals(Measured.LIBTORCH);
    }

    private static Accuracy.Comparison compare(Task.Item item, Map<String, List<float[]>> references) {
        Workload<?> workload = Workloads.find(item.workload());
        List<float[]> reference = references.computeIfAbsent(workload.id(), id -> Accuracy.reference(workload));
        return Accuracy.compare(workload, item.dtype(), reference, Accuracy.results(workload, item.kernel()));
    }

    /** A visit; another one, a few times, where other programs kept the kernel from its cores all the while. */
    private void sample(int i) throws RunnerException {
        if (gpu != null) {
            sampleOnGpu(i);
            return;
        }
        Schedule s = task.schedule();
        double least = Double.POSITIVE_INFINITY;
        for (int attempt = 0; attempt < s.attempts(); attempt++) {
            Disturbance.reset();
            double time = visit(i);
            least = Math.min(least, time);
            if (!Disturbance.ofEveryIteration() || task.items().get(i).kernel().equals(Task.ROOFLINE)) {
                print(i, Task.Kind.SAMPLE, time);
                return;
            }
        }
        print(i, Task.Kind.DISTURBED_SAMPLE, least);
    }

    /** Milliseconds of a call of an item. */
    private double visit(int i) throws RunnerException {
        Task.Item item = task.items().get(i);
        int millis = task.schedule().iterationMillis();
        return slow.contains(item) ? Visit.millisOfOne(task, item, millis)
                : Visit.millis(task, item, task.schedule().iterations(), millis);
    }

    private void sampleOnGpu(int i) throws RunnerException {
        gpu.coolDown(task.schedule().coolDownMillis());
        double time = visit(i);
        Task.Kind kind = gpu.inGraphs() ? Task.Kind.SAMPLE : Task.Kind.EAGER_SAMPLE;
        print(new Task.Event(i, kind, time, null, gpu.now().orElse(null)));
    }

    private void print(int item, Task.Kind kind, Double value) {
        print(new Task.Event(item, kind, value));
    }

    private void print(Task.Event event) {
        try {
            out.println(Json.MAPPER.writeValueAsString(event));
        } catch (JsonProcessingException e) {
            throw new UncheckedIOException(e);
        }
        if (out.checkError()) {
            throw new IllegalStateException("nobody reads the measurements any more");
        }
    }
}
