package org.airelab.benchmarks.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.airelab.base.Json;
import org.airelab.benchmarks.kernels.gpu.Limit;
import org.airelab.kernels.DType;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The JVM that measures, and {@code lab} itself, over a driver and a compiler without a device. */
class GpuForkTest {
    private static final Path FAKES = Path.of("../kernels/src/test/resources/org/airelab/kernels/cuda");
    /** What the fake driver says of any two events. */
    private static final double FAKE_MILLIS = 1.5;

    @TempDir
    private static Path folder;

    @BeforeAll
    static void compile() throws IOException, InterruptedException {
        compile("fake_driver.c", "libcuda.so.1");
        compile("fake_nvrtc.c", "libnvrtc.so.12");
    }

    private static void compile(String source, String library) throws IOException, InterruptedException {
        assumeTrue(Stream.of(System.getenv("PATH").split(":")).anyMatch(p -> Files.isExecutable(Path.of(p, "gcc"))),
                "SKIPPED: there is no gcc to compile the fake driver with");
        Path versions = Files.writeString(folder.resolve(library + ".map"), library + " { global: *; };");
        Process gcc = new ProcessBuilder("gcc", "-shared", "-fPIC", "-DLARGE", "-Wl,-soname," + library,
                "-Wl,--version-script=" + versions, "-o", folder.resolve(library).toString(),
                FAKES.resolve(source).toString()).redirectErrorStream(true).start();
        String output = new String(gcc.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, gcc.waitFor(), output);
    }

    private static final Schedule ONCE = new Schedule(1, 1, 1, 1, 1, 1, 1, 1, 0, true);

    private record Result(int exitCode, String out, String err) {
    }

    private static Result java(String input, String... arguments) throws IOException, InterruptedException {
        String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        List<String> command = new ArrayList<>(List.of(java,
                "--enable-native-access=ALL-UNNAMED", "--add-modules=jdk.incubator.vector", "-Xmx2g",
                "-Djmh.ignoreLock=true", "-Dlab.cache=" + folder.resolve("cache"), "-cp",
                System.getProperty("java.class.path")));
        command.addAll(List.of(arguments));
        Path errors = folder.resolve("errors");
        ProcessBuilder builder = new ProcessBuilder(command).redirectError(errors.toFile());
        builder.environment().put("LD_LIBRARY_PATH", folder.toString());
        Process process = builder.start();
        process.getOutputStream().write(input.getBytes(StandardCharsets.UTF_8));
        process.getOutputStream().close();
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return new Result(process.waitFor(), out, Files.readString(errors));
    }

    private static List<Task.Event> run(boolean cold, Task.Item... items) throws IOException, InterruptedException {
        List<Task.Event> events = new ArrayList<>();
        for (boolean accuracy : new boolean[] {true, false}) {
            Task task = new Task(true, List.of(items), cold, 1, accuracy, ONCE);
            Result result = java(accuracy ? Json.MAPPER.writeValueAsString(task) : withCommands(task),
                    BenchmarkFork.class.getName());
            assertEquals(0, result.exitCode, result.err);
            for (String line : result.out.lines().toList()) {
                events.add(Json.MAPPER.readValue(line, Task.Event.class));
            }
        }
        return events;
    }

    /** All items warmed up, then all but libtorch's, which are not there, visited once. */
    private static String withCommands(Task task) throws IOException {
        StringBuilder lines = new StringBuilder(Json.MAPPER.writeValueAsString(task));
        for (BenchmarkFork.Command command : List.of(BenchmarkFork.Command.WARM_UP, BenchmarkFork.Command.SAMPLE)) {
            for (int i = 0; i < task.items().size(); i++) {
                if (command == BenchmarkFork.Command.WARM_UP || !task.items().get(i).kernel().equals("libtorch")) {
                    lines.append('\n').append(command).append(' ').append(i);
                }
            }
        }
        return lines.toString();
    }

    private static List<Double> samples(List<Task.Event> events, int item) {
        return events.stream().filter(e -> e.item() == item && e.kind() == Task.Kind.SAMPLE).map(Task.Event::value)
                .toList();
    }

    @Test
    void kernelsAndLimitsAreTimedByTheDevice() throws IOException, InterruptedException {
        List<Task.Event> events = run(false, new Task.Item("softmax/forward/8192x256", "naive", DType.FP32),
                new Task.Item("softmax/backward/8192x256", "block", DType.BF16),
                new Task.Item("softmax/forward/8192x256", "libtorch", DType.FP16),
                new Task.Item(Limit.COPY.name(), Task.ROOFLINE), new Task.Item(Limit.FMA.name(), Task.ROOFLINE),
                new Task.Item(Limit.TENSOR.name(), Task.ROOFLINE));
        // 16 MiB in float32: 7 copies exceed the L2 of 50 MiB twice. A call takes 1.5 ms / 7, 2 ms are two rounds.
        assertEquals(List.of(FAKE_MILLIS / 14), samples(events, 0));
        // 12 MiB in bfloat16: 9 copies, and two rounds.
        assertEquals(List.of(FAKE_MILLIS / 18), samples(events, 1));
        for (int limit = 3; limit < 6; limit++) {
            assertEquals(List.of(FAKE_MILLIS / 2), samples(events, limit));
        }
        List<Task.Event> errors = events.stream().filter(e -> e.kind() == Task.Kind.ERROR).toList();
        assertTrue(Double.isNaN(errors.get(0).comparison().error()), "nothing was written over the poison: " + errors);
        List<Task.Event> absent = events.stream().filter(e -> e.kind() == Task.Kind.ABSENT).toList();
        assertEquals(2, absent.getFirst().item());
        assertEquals("expected a CUDA build of libtorch, found a CPU build", absent.getFirst().text());
        assertEquals(1, absent.size());
    }

    @Test
    void coldCallsAreTimedOneByOne() throws IOException, InterruptedException {
        List<Task.Event> events = run(true, new Task.Item("softmax/forward/8192x256", "naive", DType.FP32),
                new Task.Item(Limit.COPY.name(), Task.ROOFLINE));
        assertEquals(List.of(FAKE_MILLIS), samples(events, 0));
        assertEquals(List.of(FAKE_MILLIS / 2), samples(events, 1));
    }

    @Test
    void aRungThatFailsIsNamed() throws IOException, InterruptedException {
        // The fake driver compiles no kernel for more than 512 threads.
        Task.Item shared = new Task.Item("matmul/multiply/256x256x256", "shared", DType.FP32);
        Task task = new Task(true, List.of(shared), false, 1, false, ONCE);
        Result result = java(withCommands(task), BenchmarkFork.class.getName());
        assertTrue(result.exitCode != 0);
        assertTrue(result.err.contains("matmul/multiply/256x256x256, kernel=shared")
                && result.err.contains("expected a block of at most 512 threads"), result.err);
    }
}
