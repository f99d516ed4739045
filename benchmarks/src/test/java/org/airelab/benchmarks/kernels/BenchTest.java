package org.airelab.benchmarks.kernels;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import org.airelab.benchmarks.kernels.workload.Workloads;
import org.airelab.benchmarks.report.Gpu;
import org.airelab.benchmarks.report.Report;
import org.airelab.benchmarks.report.Row;
import org.airelab.kernels.DType;
import org.airelab.kernels.Families;
import org.airelab.kernels.Family;
import org.airelab.kernels.attention.Attention;
import org.junit.jupiter.api.Test;

/** Builds in turn, as soon over as can be. */
class BenchTest {
    /** A core, with one workload, a rung of it and one that no build has. */
    private record Short(CpuTarget cpu) implements Target {
        @Override
        public String kind() {
            return cpu.kind();
        }

        @Override
        public String name() {
            return cpu.name();
        }

        @Override
        public int threads() {
            return cpu.threads();
        }

        @Override
        public Schedule schedule(boolean quick) {
            return new Schedule(1, 1, 2, 1, 1, 1, 1, 1, 0, true);
        }

        @Override
        public List<Ladder> ladders(Family<?> family, boolean quick) {
            Ladder whole = cpu.ladders(family, quick).getFirst();
            List<String> kernels = new ArrayList<>(whole.kernels());
            kernels.add("next");
            return List.of(new Ladder(whole.workload(), DType.FP32, kernels, null, null));
        }

        @Override
        public List<Task.Item> limits() {
            return cpu.limits();
        }

        @Override
        public Report.Roofline roofline(Measurements measurements) {
            return cpu.roofline(measurements);
        }

        @Override
        public Gpu gpu(Measurements measurements) {
            return null;
        }

        @Override
        public List<String> notes() {
            return List.of();
        }
    }

    private static Family<?> gradientNorm() {
        return Families.all().stream().filter(family -> family.name().equals("gradient-norm")).findFirst()
                .orElseThrow();
    }

    @Test
    void whatOneBuildLacksIsMissingInItsReportAlone() throws IOException {
        List<Report> reports = new Bench(new Short(new CpuTarget(1)), Selection.of(List.of(gradientNorm())), true,
                false, List.of(Build.own(), Build.own())).run();
        assertEquals(2, reports.size());
        assertNotNull(reports.getFirst().environment().session());
        assertEquals(reports.getFirst().environment().session(), reports.getLast().environment().session());
        for (Report report : reports) {
            assertEquals(gradientNorm().rungs().stream().map(rung -> rung.name()).toList(),
                    report.rows().stream().map(Row::kernel).toList());
            for (Row row : report.rows()) {
                // Two JVMs for the one of a build alone, and three visits for its two.
                assertArrayEquals(new int[] {3, 3}, Arrays.stream(row.samplesMs()).mapToInt(jvm -> jvm.length)
                        .toArray());
                assertTrue(row.maxError() < 1e-5, row.toString());
            }
            assertEquals(1, report.environment().notes().size());
            String note = report.environment().notes().getFirst();
            assertTrue(note.startsWith("Not measured at gradient-norm/")
                    && note.endsWith("with next: this build has no such kernel"), note);
        }
    }

    /** Two JVMs compare results, two are the first round's, and one of the second's is killed. */
    @Test
    void aRoundThatFailsLeavesThoseBeforeIt() throws IOException {
        Bench bench = new Bench(new Short(new CpuTarget(1)), Selection.of(List.of(gradientNorm())), true, false,
                List.of(Build.own(), Build.own()));
        Thread killer = Thread.ofPlatform().daemon().start(() -> killFork(5));
        List<Report> reports = bench.run();
        killer.interrupt();
        assertNotNull(bench.failure());
        assertTrue(bench.failure().getMessage().contains("SIGKILL"), bench.failure().getMessage());
        for (Report report : reports) {
            assertEquals(1, report.environment().forks());
            assertEquals(gradientNorm().rungs().size(), report.rows().size());
            for (Row row : report.rows()) {
                assertEquals(1, row.samplesMs().length, "samples of a round that is left out");
            }
            assertEquals("Round 2 failed and is left out: " + bench.failure().getMessage(),
                    report.environment().notes().getFirst());
        }
    }

    /** Kills the measuring JVM that is the so many-th which this one has started. */
    private static void killFork(int number) {
        Set<ProcessHandle> seen = new HashSet<>();
        while (!Thread.currentThread().isInterrupted()) {
            for (ProcessHandle child : ProcessHandle.current().children().toList()) {
                if (isFork(child) && seen.add(child) && seen.size() == number) {
                    child.destroyForcibly();
                    return;
                }
            }
            LockSupport.parkNanos(1_000_000);
        }
    }

    /** Before it is one, a child is a copy of this JVM, and then the helper by which this one starts programs. */
    private static boolean isFork(ProcessHandle child) {
        try {
            Path commandLine = Path.of("/proc", Long.toString(child.pid()), "cmdline");
            return Files.readString(commandLine, StandardCharsets.ISO_8859_1).contains(BenchmarkFork.class.getName());
        } catch (IOException e) {
            return false; // it has ended
        }
    }

    @Test
    void aSampleInTurnWaitsBeforeEachIteration() throws IOException {
        Schedule schedule = new Schedule(1, 1, 1, 1, 1, 3, 1, 1, 0, true);
        Task task = new Task(false, List.of(new Task.Item(Workloads.of(gradientNorm()).getFirst().id(), "scalar")),
                false, 1, false, schedule);
        try (ForkProcess fork = new ForkProcess(task, Build.own())) {
            fork.tell(BenchmarkFork.Command.WARM_UP, 0);
            Task.Event event = fork.tell(BenchmarkFork.Command.SAMPLE_IN_TURN, 0);
            int turns = 0;
            for (; event.kind() == Task.Kind.READY; turns++) {
                event = fork.turn();
            }
            assertEquals(1 + schedule.iterations(), turns, "one of them is left out");
            assertTrue(event.value() > 0, event.toString());
            assertNotNull(fork.tell(BenchmarkFork.Command.SAMPLE, 0).value(), "no turns without being asked");
        }
    }

    @Test
    void aLibraryIsKnownOnTheCpuWhereABuildHasABaseline() throws IOException {
        String id = Workloads.variants(Attention.FAMILY).stream().filter(workload -> workload.baseline() == null)
                .findFirst().orElseThrow().id();
        List<Task.Item> items = List.of(new Task.Item(id, BoundWorkload.LIBTORCH));
        try (ForkProcess fork = new ForkProcess(new Task(false, items, false, 1, false, Schedule.QUICK), Build.own())) {
            assertEquals(Task.Kind.ABSENT, fork.tell(BenchmarkFork.Command.WARM_UP, 0).kind());
        }
        List<Task.Event> events = new ArrayList<>();
        try (ForkProcess fork = new ForkProcess(new Task(false, items, false, 1, true, Schedule.QUICK), Build.own())) {
            fork.listen(events::add);
        }
        assertEquals(List.of(new Task.Event(0, Task.Kind.ERROR, null)), events);
    }

    @Test
    void flagsAreThoseOfTheJvmsThatMeasure() {
        assertEquals("-Xmx4g -XX:+UseParallelGC", Bench.jvmFlags(List.of("-Xmx4g", "-Dlab.home=here",
                "-XX:AOTCache=here/lab.aot", "-XX:+UseParallelGC")));
    }

    @Test
    void whyAJvmEndedIsSaidHoweverLate() throws Exception {
        Task task = new Task(false, List.of(new Task.Item(Workloads.all().findFirst().orElseThrow().id(), "scalar")),
                false, 1, false, Schedule.QUICK);
        try (ForkProcess fork = new ForkProcess(task, new Build("nowhere", Build.own().source()))) {
            for (ProcessHandle child : ProcessHandle.current().children().toList()) {
                child.onExit().get();
            }
            for (int i = 0; i < 2; i++) {
                String message = assertThrows(IllegalStateException.class,
                        () -> fork.tell(BenchmarkFork.Command.WARM_UP, 0)).getMessage();
                assertTrue(message.startsWith("the JVM that measures ended with exit code 1: ")
                        && message.contains("ClassNotFoundException"), message);
            }
        }
    }
}
