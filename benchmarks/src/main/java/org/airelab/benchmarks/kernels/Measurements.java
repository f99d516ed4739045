package org.airelab.benchmarks.kernels;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.ToDoubleFunction;
import org.airelab.benchmarks.kernels.workload.Workload;
import org.airelab.benchmarks.report.Gpu;
import org.airelab.benchmarks.report.Quantiles;
import org.airelab.benchmarks.report.Report.Roofline;
import org.airelab.benchmarks.report.Row;
import org.airelab.kernels.cuda.GpuReadings;

/** Collects what forks measure, and makes a report's rows of it. */
final class Measurements {
    private final Map<Task.Item, List<List<Double>>> samples = new LinkedHashMap<>();
    private final Map<Task.Item, Accuracy.Comparison> comparisons = new LinkedHashMap<>();
    private final Map<Task.Item, String> absent = new LinkedHashMap<>();
    private final Set<Task.Item> eager = new HashSet<>();
    private final List<List<GpuReadings>> readings = new ArrayList<>();

    private int count;
    private int disturbed;

    /** How many of all samples other programs disturbed. */
    double disturbedPercent() {
        return 100.0 * disturbed / count;
    }

    /** Takes an event of a task's fork, forks being numbered from 0. */
    void add(Task task, int fork, Task.Event event) {
        Task.Item item = task.items().get(event.item());
        if (event.gpu() != null) {
            while (readings.size() <= fork) {
                readings.add(new ArrayList<>());
            }
            readings.get(fork).add(event.gpu());
        }
        switch (event.kind()) {
            case ERROR -> comparisons.put(item, event.comparison());
            case ABSENT -> absent.put(item, event.text());
            case SAMPLE, DISTURBED_SAMPLE, EAGER_SAMPLE -> {
                if (event.kind() == Task.Kind.EAGER_SAMPLE) {
                    eager.add(item);
                }
                count++;
                disturbed += event.kind() == Task.Kind.DISTURBED_SAMPLE ? 1 : 0;
                List<List<Double>> forks = samples.computeIfAbsent(item, i -> new ArrayList<>());
                while (forks.size() <= fork) {
                    forks.add(new ArrayList<>());
                }
                forks.get(fork).add(event.value());
            }
            case WARM, READY -> { }
        }
    }

    /** The median of an item's samples, in milliseconds a call. */
    double median(Task.Item item) {
        return Quantiles.of(samples(item), 0.5);
    }

    private double[][] samples(Task.Item item) {
        return samples.get(item).stream().map(fork -> fork.stream().mapToDouble(Double::doubleValue).toArray())
                .toArray(double[][]::new);
    }

    /** What a reader has to know of what could not be measured, or not as it should be. */
    List<String> notes() {
        return absent.entrySet().stream().map(e -> (BenchmarkFork.library(e.getKey()) ? "Not compared" : "Not measured")
                + " at " + e.getKey().workload() + " in " + e.getKey().dtype() + " with " + e.getKey().kernel() + ": "
                + e.getValue()).toList();
    }

    /** How the GPU did, in one JVM after the other. */
    List<Gpu.Load> gpuLoads() {
        return readings.stream().map(Gpu.Load::of).toList();
    }

    /** The rows of a ladder, one for each rung that was measured. */
    List<Row> rows(Ladder ladder, String device, Roofline roofline) {
        return ladder.kernels().stream().filter(kernel -> samples.containsKey(ladder.item(kernel)))
                .map(kernel -> row(ladder, kernel, device, roofline)).toList();
    }

    private Row row(Ladder ladder, String kernel, String device, Roofline roofline) {
        Workload<?> w = ladder.workload();
        Task.Item item = ladder.item(kernel);
        Task.Item library = ladder.library() == null || absent.containsKey(ladder.item(ladder.library())) ? null
                : ladder.item(ladder.library());
        double[][] times = samples(item);
        double median = Quantiles.of(times, 0.5);
        double[][] baselineTimes = library == null ? null : samples(library);
        Double baselineMedian = library == null ? null : (Double) Quantiles.of(baselineTimes, 0.5);
        Accuracy.Comparison own = comparisons.get(item);
        Accuracy.Comparison other = library == null ? null : comparisons.get(library);
        double bytes = w.bytes(ladder.dtype());
        ToDoubleFunction<Double> rate = work -> work / (1e-3 * median);
        return new Row(w.family(), w.operation(), kernel, device, ladder.dtype().toString(), w.shape(), median,
                Quantiles.of(times, 0.2), Quantiles.of(times, 0.8),
                w.computeBound() ? 1e-12 * rate.applyAsDouble(w.flops()) : null,
                w.computeBound() ? null : 1e-9 * rate.applyAsDouble(bytes),
                roofline.leastMs(w.flops(), bytes, ladder.dtype().toString()) / median,
                library == null ? null : ladder.libraryCall() + (eager.contains(library) ? ", not in a graph" : ""),
                baselineMedian, library == null ? null : baselineMedian / median,
                own == null ? null : (Double) own.error((other == null ? own : other).errors().size()),
                other == null ? null : other.error(), other == null ? null : other.rounding(), w.flops(), bytes, times,
                baselineTimes);
    }
}
