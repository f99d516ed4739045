package org.airelab.benchmarks.kernels;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.airelab.base.Progress;
import org.airelab.base.UserError;
import org.airelab.benchmarks.report.Environment;
import org.airelab.benchmarks.report.Report;
import org.airelab.benchmarks.report.Row;
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
    private final List<Build> builds;
    private final Schedule schedule;
    private int forks;
    private int samples;
    private int disturbed;
    private Exception failure;

    /** An event of a build's JVM in a round that is not over. */
    private record Told(int build, Task task, Task.Event event) {
    }

    /**
     * @param builds to be measured, in turn where they are several
     * @throws UserError (bad input) when the target has no such kernels
     */
    Bench(Target target, Selection selection, boolean quick, boolean cold, List<Build> builds) {
        this.target = target;
        this.quick = quick;
        this.cold = cold;
        this.builds = builds;
        this.schedule = builds.size() == 1 ? target.schedule(quick) : target.schedule(quick).inTurn();
        this.ladders = selection.of(target, quick);
    }

    /**
     * Runs all forks, with progress on standard error. Several builds take turns, iteration by iteration: what
     * disturbs the machine for a while meets all of them. A round that fails, but for the first, is the last: reports
     * are of those before, and {@link #failure} says why.
     *
     * @return a report for each build
     */
    List<Report> run() throws IOException {
        Instant begin = Instant.now();
        long[] processor = Machine.processorTime();
        List<Measurements> measurements = builds.stream().map(_ -> new Measurements()).toList();
        List<List<Ladder>> groups = groups();
        try (JmhLock _ = JmhLock.take();
                Progress progress = Progress.on("measuring", steps(groups, begin), "steps")) {
            for (List<Ladder> group : groups) {
                compareResults(task(group, true), measurements, progress);
            }
            while (failure == null && forks < rounds(begin)) {
                progress.expect(steps(groups, begin));
                round(groups, measurements, progress);
            }
        }
        String session = builds.size() == 1 ? null : UUID.randomUUID().toString();
        List<Report> reports = new ArrayList<>();
        for (int i = 0; i < builds.size(); i++) {
            Measurements own = measurements.get(i);
            Report.Roofline roofline = target.roofline(own);
            List<Row> rows = ladders.stream().flatMap(ladder -> own.rows(ladder, target.name(), roofline).stream())
                    .toList();
            reports.add(new Report(Report.FORMAT, environment(begin, processor, own, builds.get(i).source(), session),
                    roofline, rows));
        }
        return reports;
    }

    /** Why a round after the first failed; null where none did. */
    Exception failure() {
        return failure;
    }

    /** JVMs of all groups. They count once all of them have come to their end. */
    private void round(List<List<Ladder>> groups, List<Measurements> measurements, Progress progress)
            throws IOException {
        List<Told> round = new ArrayList<>();
        try {
            for (List<Ladder> group : groups) {
                measure(task(group, false), round, progress);
            }
        } catch (IOException | RuntimeException e) {
            if (forks == 0) {
                throw e;
            }
            failure = e;
            return;
        }
        round.forEach(told -> measurements.get(told.build).add(told.task, forks, told.event));
        forks++;
    }

    /**
     * How many rounds there will have been: as many as end in time, when those to come last as long as those so far.
     */
    private int rounds(Instant begin) {
        if (forks == 0 || schedule.mostSeconds() == Double.POSITIVE_INFINITY) {
            return schedule.forks();
        }
        double inTime = forks * builds.size() * schedule.mostSeconds() / Math.max(1e-3, seconds(begin));
        return (int) Math.clamp(inTime, Math.min(LEAST_FORKS, schedule.forks()), schedule.forks());
    }

    private long steps(List<List<Ladder>> groups, Instant begin) {
        long rounds = rounds(begin);
        return builds.size() * groups.stream().mapToLong(group -> task(group, true).steps()
                + rounds * task(group, false).steps()).sum();
    }

    private static double seconds(Instant begin) {
        return begin.until(Instant.now(), ChronoUnit.MILLIS) / 1e3;
    }

    private void compareResults(Task task, List<Measurements> measurements, Progress progress) throws IOException {
        for (int i = 0; i < builds.size(); i++) {
            Measurements own = measurements.get(i);
            try (ForkProcess fork = new ForkProcess(task, builds.get(i))) {
                fork.listen(event -> {
                    own.add(task, 0, event);
                    progress.advance(1);
                });
            }
        }
    }

    /** One JVM of each build, in turn: all kernels are warmed up, then visited one after the other, again and again. */
    private void measure(Task task, List<Told> round, Progress progress) throws IOException {
        List<ForkProcess> processes = new ArrayList<>();
        try {
            for (Build build : builds) {
                processes.add(new ForkProcess(task, build));
            }
            List<BitSet> present = builds.stream().map(_ -> new BitSet()).toList();
            for (int item = 0; item < task.items().size(); item++) {
                for (int i = 0; i < builds.size(); i++) {
                    Task.Event event = processes.get(i).tell(BenchmarkFork.Command.WARM_UP, item);
                    round.add(new Told(i, task, event));
                    present.get(i).set(item, event.kind() == Task.Kind.WARM);
                    progress.advance(event.kind() == Task.Kind.ABSENT ? 1 + schedule.visits() : 1);
                }
            }
            for (int visit = 0; visit < schedule.visits(); visit++) {
                for (int item = 0; item < task.items().size(); item++) {
                    int of = item;
                    List<Integer> able = IntStream.range(0, builds.size()).filter(i -> present.get(i).get(of)).boxed()
                            .toList();
                    // Whoever was first is last the next time.
                    sample(task, item, visit % 2 == 0 ? able : able.reversed(), processes, round);
                    progress.remark(disturbance());
                    progress.advance(able.size());
                }
            }
        } finally {
            processes.forEach(ForkProcess::close);
        }
    }

    /** A sample of an item in the JVMs of some builds, in that order. */
    private void sample(Task task, int item, List<Integer> able, List<ForkProcess> processes, List<Told> round)
            throws IOException {
        List<ForkProcess> jvms = able.stream().map(processes::get).toList();
        List<Task.Event> events = new ArrayList<>();
        if (builds.size() > 1 && !task.cuda()) {
            events.addAll(inTurn(jvms, item));
        } else {
            for (ForkProcess jvm : jvms) {
                events.add(jvm.tell(BenchmarkFork.Command.SAMPLE, item));
            }
        }
        for (int i = 0; i < able.size(); i++) {
            round.add(new Told(able.get(i), task, events.get(i)));
            samples++;
            disturbed += events.get(i).kind() == Task.Kind.DISTURBED_SAMPLE ? 1 : 0;
        }
    }

    /** To be told while it can be helped: other programs may be ended. Empty where there is nothing of it. */
    private String disturbance() {
        double percent = 100.0 * disturbed / Math.max(1, samples);
        return percent < 0.5 ? "" : String.format(Locale.ROOT, "%.0f%% of samples disturbed", percent);
    }

    /** A sample of each, iteration by iteration in turn. */
    private static List<Task.Event> inTurn(List<ForkProcess> jvms, int item) throws IOException {
        for (ForkProcess jvm : jvms) {
            jvm.begin(BenchmarkFork.Command.SAMPLE_IN_TURN, item);
        }
        List<Task.Event> last = new ArrayList<>();
        for (ForkProcess jvm : jvms) {
            last.add(jvm.event());
        }
        while (last.stream().anyMatch(event -> event.kind() == Task.Kind.READY)) {
            for (int i = 0; i < jvms.size(); i++) {
                if (last.get(i).kind() == Task.Kind.READY) {
                    last.set(i, jvms.get(i).turn());
                }
            }
        }
        return last;
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

    /** All that JVMs which measure are given, but where the lab lies. */
    static String jvmFlags(List<String> given) {
        return given.stream().filter(flag -> !flag.startsWith("-Dlab.") && !flag.startsWith(ForkProcess.TAUGHT))
                .collect(Collectors.joining(" "));
    }

    private Environment environment(Instant begin, long[] processorBefore, Measurements measurements,
            SourceVersion source, String session) {
        Hardware hardware = Hardware.detect();
        long[] processor = Machine.processorTime();
        long passed = Math.max(1, processor[0] - processorBefore[0]);
        Stream<String> missing = failure == null ? Stream.of()
                : Stream.of("Round " + (forks + 1) + " failed and is left out: "
                        + Objects.requireNonNullElse(failure.getMessage(), failure.toString()));
        List<String> notes = Stream.of(missing, target.notes().stream(), measurements.notes().stream())
                .flatMap(lines -> lines).toList();
        return new Environment(begin.truncatedTo(ChronoUnit.SECONDS).toString(), target.kind(), hardware,
                Machine.lastLevelCacheBytes(), target.threads(), Machine.governor(),
                Machine.megahertz().orElse(Double.NaN), 100.0 * (processor[1] - processorBefore[1]) / passed,
                measurements.disturbedPercent(),
                System.getProperty("java.vm.name") + " " + Runtime.version(),
                jvmFlags(ManagementFactory.getRuntimeMXBean().getInputArguments()), Versions.detect(),
                source.commit(), source.dirty(), (quick ? "quick" : "full") + (cold ? ", cold" : ", warm"),
                forks, schedule.visits(), seconds(begin), target.gpu(measurements), notes, session);
    }
}
