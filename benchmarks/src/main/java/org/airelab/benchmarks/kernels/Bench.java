package org.airelab.benchmarks.kernels;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.airelab.base.Progress;
import org.airelab.base.UserError;
import org.airelab.benchmarks.report.Environment;
import org.airelab.benchmarks.report.Report;
import org.airelab.benchmarks.report.Row;
import org.airelab.kernels.Family;
import org.airelab.tracking.Hardware;
import org.airelab.tracking.SourceVersion;
import org.airelab.tracking.Versions;

/** Measures the rungs of some families on a target, libraries, and the target's limits, all interleaved. */
final class Bench {
    /** Below, nothing can be said about how JVMs differ. */
    private static final int LEAST_FORKS = 2;

    private final Target target;
    private final List<Ladder> ladders;
    private final boolean quick;
    private final boolean cold;
    private final Schedule schedule;
    private int forks;

    /** @throws UserError (bad input) when the target has no kernels of the families */
    Bench(Target target, List<Family<?>> families, boolean quick, boolean cold) {
        this.target = target;
        this.quick = quick;
        this.cold = cold;
        this.schedule = target.schedule(quick);
        this.ladders = families.stream().flatMap(family -> target.ladders(family, quick).stream()).toList();
        if (ladders.isEmpty()) {
            throw UserError.badInput("there are no kernels of " + String.join(", ", families.stream().map(Family::name)
                    .toList()) + " for " + target.name(), "Name other families, or use --device cpu.");
        }
    }

    /** Runs all forks, with progress on standard error. */
    Report run() throws IOException {
        Instant begin = Instant.now();
        long[] processor = Machine.processorTime();
        Measurements measurements = new Measurements();
        List<List<Ladder>> groups = groups();
        long steps = 0;
        for (List<Ladder> group : groups) {
            steps += task(group, true).steps() + (long) schedule.forks() * task(group, false).steps();
        }
        try (Progress progress = Progress.on("measuring", steps, "steps")) {
            for (List<Ladder> group : groups) {
                run(task(group, true), 0, measurements, progress);
            }
            for (forks = 0; forks < schedule.forks() && (forks < LEAST_FORKS || another(begin)); forks++) {
                for (List<Ladder> group : groups) {
                    run(task(group, false), forks, measurements, progress);
                }
            }
        }
        Report.Roofline roofline = target.roofline(measurements);
        List<Row> rows = new ArrayList<>();
        ladders.forEach(ladder -> rows.addAll(measurements.rows(ladder, target.name(), roofline)));
        return new Report(Report.FORMAT, environment(begin, processor, measurements), roofline, rows);
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
            progress.advance(event.kind() == Task.Kind.ABSENT ? 1 + task.schedule().visits() : 1);
        });
    }

    /** The ladders that share a JVM. */
    private List<List<Ladder>> groups() {
        if (schedule.familiesTogether()) {
            return List.of(ladders);
        }
        return ladders.stream().map(ladder -> ladder.workload().family()).distinct()
                .map(family -> ladders.stream().filter(ladder -> ladder.workload().family().equals(family)).toList())
                .toList();
    }

    private Task task(List<Ladder> group, boolean accuracy) {
        List<Task.Item> items = Stream.concat(group.stream().flatMap(ladder -> ladder.items().stream()),
                target.limits().stream()).toList();
        return new Task(target.kind().equals("cuda"), items, cold, target.threads(), accuracy, schedule);
    }

    private Environment environment(Instant begin, long[] processorBefore, Measurements measurements) {
        Hardware hardware = Hardware.detect();
        SourceVersion source = SourceVersion.detect();
        long[] processor = Machine.processorTime();
        long passed = Math.max(1, processor[0] - processorBefore[0]);
        List<String> notes = Stream.concat(target.notes().stream(), measurements.notes().stream()).toList();
        return new Environment(begin.truncatedTo(ChronoUnit.SECONDS).toString(), target.kind(), hardware,
                Machine.lastLevelCacheBytes(), target.threads(), Machine.governor(),
                Machine.megahertz().orElse(Double.NaN), 100.0 * (processor[1] - processorBefore[1]) / passed,
                measurements.disturbedPercent(),
                System.getProperty("java.vm.name") + " " + Runtime.version(),
                String.join(" ", ManagementFactory.getRuntimeMXBean().getInputArguments()), Versions.detect(),
                source.commit(), source.dirty(), (quick ? "quick" : "full") + (cold ? ", cold" : ", warm"),
                forks, schedule.visits(), seconds(begin), target.gpu(measurements), notes);
    }
}
