package org.airelab.benchmarks.kernels;

import java.util.List;
import org.airelab.benchmarks.kernels.workload.Workload;
import org.airelab.benchmarks.kernels.workload.Workloads;
import org.airelab.benchmarks.report.Gpu;
import org.airelab.benchmarks.report.Report;
import org.airelab.kernels.DType;
import org.airelab.kernels.Family;
import org.airelab.kernels.Rung;

/** The processor's cores, all or some of them, with libtorch on the same. */
record CpuTarget(int threads) implements Target {
    private static final Task.Item COPY = new Task.Item("copy", Task.ROOFLINE);
    private static final Task.Item FMA = new Task.Item("fma", Task.ROOFLINE);

    @Override
    public String kind() {
        return "cpu";
    }

    @Override
    public String name() {
        return "cpu";
    }

    @Override
    public Schedule schedule(boolean quick) {
        return quick ? Schedule.QUICK : Schedule.FULL;
    }

    @Override
    public List<Ladder> ladders(Family<?> family, boolean quick) {
        return Workloads.of(family).stream().<Workload<?>>map(w -> w).filter(w -> !quick || w.quick())
                .map(workload -> ladder(family, workload)).toList();
    }

    private static Ladder ladder(Family<?> family, Workload<?> workload) {
        List<String> rungs = family.rungs().stream().map(Rung::name).toList();
        return workload.baseline() == null ? new Ladder(workload, DType.FP32, rungs, null, null)
                : new Ladder(workload, DType.FP32, rungs, BoundWorkload.LIBTORCH,
                        BoundWorkload.LIBTORCH + ": " + workload.baseline().name());
    }

    @Override
    public List<Task.Item> limits() {
        return List.of(COPY, FMA);
    }

    @Override
    public Report.Roofline roofline(Measurements measurements) {
        return new Report.Roofline(1e-6 * RooflineBenchmark.copiedBytes() / measurements.median(COPY),
                1e-9 * threads * RooflineBenchmark.fmaFlops() / measurements.median(FMA));
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
