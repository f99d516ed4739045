package org.airelab.benchmarks.kernels;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import org.airelab.benchmarks.kernels.workload.Workload;
import org.airelab.benchmarks.kernels.workload.Workloads;
import org.airelab.benchmarks.report.Quantiles;
import org.airelab.benchmarks.report.Report.Roofline;
import org.airelab.benchmarks.report.Row;
import org.airelab.kernels.Rung;

/** Collects what forks measure, and makes a report's rows of it. */
final class Measurements {
    private final Map<Task.Item, List<List<Double>>> samples = new LinkedHashMap<>();
    private final Map<Task.Item, Double> errors = new LinkedHashMap<>();

    private int count;
    private int disturbed;

    /** How many of all samples other programs disturbed. */
    double disturbedPercent() {
        return 100.0 * disturbed / count;
    }

    /** Takes an event of a task's fork, forks being numbered from 0. */
    void add(Task task, int fork, Task.Event event) {
        Task.Item item = task.items().get(event.item());
        switch (event.kind()) {
            case ERROR -> errors.put(item, event.value());
            case SAMPLE, DISTURBED_SAMPLE -> {
                count++;
                disturbed += event.kind() == Task.Kind.DISTURBED_SAMPLE ? 1 : 0;
                List<List<Double>> forks = samples.computeIfAbsent(item, i -> new ArrayList<>());
                while (forks.size() <= fork) {
                    forks.add(new ArrayList<>());
                }
                forks.get(fork).add(event.value());
            }
            case WARM -> { }
        }
    }

    /** The limits of so many of the machine's cores. */
    Roofline roofline(int threads) {
        return new Roofline(1e-6 * RooflineBenchmark.copiedBytes() / median("copy", Task.ROOFLINE),
                1e-9 * threads * RooflineBenchmark.fmaFlops() / median("fma", Task.ROOFLINE));
    }

    private double median(String workload, String kernel) {
        return Quantiles.of(samples(new Task.Item(workload, kernel)), 0.5);
    }

    private double[][] samples(Task.Item item) {
        return samples.get(item).stream().map(fork -> fork.stream().mapToDouble(Double::doubleValue).toArray())
                .toArray(double[][]::new);
    }

    /** The rows of a workload on the CPU, one for each rung. */
    <R extends Rung> List<Row> rows(Workload<R> workload, Roofline roofline) {
        return Workloads.family(workload).rungs().stream().map(rung -> row(workload, rung.name(), roofline)).toList();
    }

    private Row row(Workload<?> w, String kernel, Roofline roofline) {
        Task.Item item = new Task.Item(w.id(), kernel);
        Task.Item libtorch = w.baseline() == null ? null : new Task.Item(w.id(), BoundWorkload.LIBTORCH);
        double[][] times = samples(item);
        double median = Quantiles.of(times, 0.5);
        double[][] baselineTimes = libtorch == null ? null : samples(libtorch);
        Double baselineMedian = libtorch == null ? null : (Double) Quantiles.of(baselineTimes, 0.5);
        ToDoubleFunction<Double> rate = work -> work / (1e-3 * median);
        return new Row(w.family(), w.operation(), kernel, "cpu", "fp32", w.shape(), median, Quantiles.of(times, 0.2),
                Quantiles.of(times, 0.8), w.computeBound() ? 1e-12 * rate.applyAsDouble(w.flops()) : null,
                w.computeBound() ? null : 1e-9 * rate.applyAsDouble(w.bytes()),
                roofline.leastMs(w.flops(), w.bytes()) / median,
                libtorch == null ? null : BoundWorkload.LIBTORCH + ": " + w.baseline().name(), baselineMedian,
                libtorch == null ? null : baselineMedian / median, errors.get(item),
                libtorch == null ? null : errors.get(libtorch), w.flops(), w.bytes(), times, baselineTimes);
    }
}
