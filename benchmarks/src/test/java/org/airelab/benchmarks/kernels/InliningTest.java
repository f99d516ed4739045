package org.airelab.benchmarks.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.OutputStream;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.airelab.base.Json;
import org.airelab.benchmarks.kernels.workload.Workload;
import org.airelab.benchmarks.kernels.workload.Workloads;
import org.airelab.kernels.Rung;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the compiler makes of the kernels, by its own account: the log of what it inlined. */
class InliningTest {
    private static final Schedule SHORT = new Schedule(1, 0, 1, 6, 20, 2, 10, 1, 0, true);

    @TempDir
    private Path folder;

    /**
     * A kernel that is too big to be inlined whole keeps its vectors in objects, and is several times as slow. All
     * kernels run in one JVM: what one does to the loops they share must not spoil the others.
     */
    @Test
    void noKernelIsTooBigForTheCompiler() throws IOException, InterruptedException {
        List<Task.Item> items = new ArrayList<>();
        Workloads.all().filter(Workload::quick).forEach(workload -> Workloads.family(workload).rungs().stream()
                .filter(Rung::available).filter(rung -> !rung.name().equals("scalar"))
                .forEach(rung -> items.add(new Task.Item(workload.id(), rung.name()))));
        List<String> log = logOf(new Task(false, items, false, 2, false, SHORT));
        assertEquals(items.size(), log.stream().filter(line -> line.contains("SAMPLE")).count());
        assertTrue(log.stream().anyMatch(line -> line.contains("Lanes::load") && line.contains("inline (hot)")),
                "the log does not tell what was inlined");
        assertEquals(List.of(), log.stream().filter(line -> line.contains("NodeCountInliningCutoff")
                && line.contains("org.airelab")).distinct().toList());
    }

    private List<String> logOf(Task task) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
        command.addAll(List.of("-Xbatch", "-XX:+UnlockDiagnosticVMOptions", "-XX:+PrintInlining", "-cp",
                System.getProperty("java.class.path"), BenchmarkFork.class.getName()));
        Path out = folder.resolve("out");
        ProcessBuilder builder = new ProcessBuilder(command).redirectOutput(out.toFile())
                .redirectError(folder.resolve("errors").toFile());
        // Where cores are scarce, threads that spin while they wait keep the compiler from working.
        builder.environment().put("OMP_WAIT_POLICY", "PASSIVE");
        Process process = builder.start();
        try (OutputStream in = process.getOutputStream()) {
            in.write(Json.MAPPER.writeValueAsBytes(task));
            for (BenchmarkFork.Command told : List.of(BenchmarkFork.Command.WARM_UP, BenchmarkFork.Command.SAMPLE)) {
                for (int i = 0; i < task.items().size(); i++) {
                    in.write(("\n" + told + " " + i).getBytes(StandardCharsets.UTF_8));
                }
            }
        }
        assertEquals(0, process.waitFor(), () -> read(folder.resolve("errors")).toList().toString());
        return read(out).toList();
    }

    private static Stream<String> read(Path file) {
        try {
            return Files.readAllLines(file).stream();
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }
}
