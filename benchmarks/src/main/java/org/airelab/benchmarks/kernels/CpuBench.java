package org.airelab.benchmarks.kernels;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import org.airelab.base.Progress;
import org.airelab.benchmarks.kernels.workload.Workload;
import org.airelab.benchmarks.kernels.workload.Workloads;
import org.airelab.benchmarks.report.Environment;
import org.airelab.benchmarks.report.Report;
import org.airelab.benchmarks.report.Row;
import org.airelab.kernels.Family;
import org.airelab.kernels.Rung;
import org.airelab.tracking.Hardware;
import org.airelab.tracking.SourceVersion;
import org.airelab.tracking.Versions;

/** Measures the CPU rungs of some families, libtorch, and the machine's limits, all interleaved. */
final class CpuBench {
    /** Below, nothing can be said about how JVMs differ. */
    private static final int LEAST_FORKS = 2;

    private final List<Workload<?>> workloads;
    private final boolean quick;
    private final boolean cold;
    private final int threads;
    private final Schedule schedule;
    private int forks;

    CpuBench(List<Family<?>> families, boolean quick, boolean cold, int threads) {
        this.quick = quick;
        this.cold = cold;
        this.threads = threads;
        this.schedule = quick ? Schedule.QUICK : Schedule.FULL;
        this.workloads = families.stream().<Workload<?>>flatMap(family -> Workloads.of(family).stream())
                .filter(workload -> !quick || workload.quick()).toList();
    }

    /** Runs all forks, with progress on standard error. */
    Report run() throws IOException {
        Instant begin = Instant.now();
        long[] processor = Machine.processorTime();
        Measurements measurements = new Measurements();
        List<List<Workload<?>>> groups = groups();
        long steps = 0;
        for (List<Workload<?>> group : groups) {
            steps += task(group, true).steps() + (schedule.forks() - 1L) * task(group, false).steps();
        }
        try (Progress progress = Progress.on("measuring", steps, "steps")) {
            for (forks = 0; forks < schedule.forks() && (forks < LEAST_FORKS || another(begin)); forks++) {
                for (List<Workload<?>> group : groups) {
                    run(task(group, forks == 0), forks, measurements, progress);
                }
            }
        }
        Report.Roofline roofline = measurements.roofline(threads);
        List<Row> rows = new ArrayList<>();
        workloads.forEach(workload -> rows.addAll(measurements.rows(workload, roofline)));
        Environment environment = environment(begin, processor, measurements.disturbedPercent());
        return new Report(Report.FORMAT, environment, roofline, rows);
    }

    /** Whether another round of the length of those so far ends in time. */
    private boolean another(Instant begin) {
        double seconds = seconds(begin);
        return seconds + seconds / forks < schedule.mostSeconds();
    }

    private static double seconds(Instant begin) {
        return begin.until(Instant.now(), ChronoUnit.MILLIS) / 1e3;
    }

    private static void run(Task task, int fork, Measurements measurements, Progress progress) throws IOException {
        ForkProcess.run(task, event -> {
            measurements.add(task, fork, event);
            progress.advance(1);
        });
    }

    /** The workloads that share a JVM. */
    private List<List<Workload<?>>> groups() {
        if (schedule.familiesTogether()) {
            return List.of(workloads);
        }
        return workloads.stream().map(Workload::family).distinct()
                .map(family -> workloads.stream().filter(workload -> workload.family().equals(family)).toList())
                .toList();
    }

    private Task task(List<Workload<?>> group, boolean accuracy) {
        List<Task.Item> items = new ArrayList<>();
        for (Workload<?> workload : group) {
            for (Rung rung : Workloads.family(workload).rungs()) {
                items.add(new Task.Item(workload.id(), rung.name()));
            }
            if (workload.baseline() != null) {
                items.add(new Task.Item(workload.id(), BoundWorkload.LIBTORCH));
            }
        }
        items.add(new Task.Item("copy", Task.ROOFLINE));
        items.add(new Task.Item("fma", Task.ROOFLINE));
        return new Task(items, cold, threads, accuracy, schedule);
    }

    private Environment environment(Instant begin, long[] processorBefore, double disturbedPercent) {
        Hardware hardware = Hardware.detect();
        SourceVersion source = SourceVersion.detect();
        long[] processor = Machine.processorTime();
        long passed = Math.max(1, processor[0] - processorBefore[0]);
        return new Environment(begin.truncatedTo(ChronoUnit.SECONDS).toString(), "cpu", hardware,
                Machine.lastLevelCacheBytes(), threads, Machine.governor(),
                Machine.megahertz().orElse(Double.NaN), 100.0 * (processor[1] - processorBefore[1]) / passed,
                disturbedPercent,
                System.getProperty("java.vm.name") + " " + Runtime.version(),
                String.join(" ", ManagementFactory.getRuntimeMXBean().getInputArguments()), Versions.detect(),
                source.commit(), source.dirty(), (quick ? "quick" : "full") + (cold ? ", cold" : ", warm"),
                forks, schedule.visits(), seconds(begin));
    }
}
