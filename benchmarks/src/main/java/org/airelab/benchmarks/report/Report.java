package org.airelab.benchmarks.report;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.Collectors;

/**
 * All of a {@code lab bench}.
 *
 * @param format      {@link #FORMAT}
 * @param environment where and how
 * @param roofline    the machine's limits
 * @param rows        kernels of a workload after each other, from the slowest rung up
 */
public record Report(String format, Environment environment, Roofline roofline, List<Row> rows) {
    /** Name and version of the form of the file. */
    public static final String FORMAT = "aire-lab-bench-1";
    /** The element type that goes without saying. */
    static final String FP32 = "fp32";

    /**
     * The limits measured in the same run.
     *
     * @param copyGbps  10^9 bytes a second, read and written, of a copy larger than the caches
     * @param fmaTflops 10^12 float32 operations a second of fused multiply-adds in registers
     * @param tensorTflops the same of a GPU's tensor cores in half types, with float32 sums; null for a CPU
     */
    public record Roofline(double copyGbps, double fmaTflops, Double tensorTflops) {
        /** A CPU's. */
        public Roofline(double copyGbps, double fmaTflops) {
            this(copyGbps, fmaTflops, null);
        }

        /** Operations a second, in 10^12, that work in an element type can reach. */
        public double peakTflops(String dtype) {
            return tensorTflops == null || dtype.equals(FP32) ? fmaTflops : tensorTflops;
        }

        /** Milliseconds that work in an element type must take. */
        public double leastMs(double flops, double bytes, String dtype) {
            return 1e3 * Math.max(flops / (1e12 * peakTflops(dtype)), bytes / (1e9 * copyGbps));
        }
    }

    /** The rows of each workload's last rung: what the lab uses. */
    public List<Row> fastest() {
        List<Row> last = new ArrayList<>();
        for (int i = 0; i < rows.size(); i++) {
            if (i + 1 == rows.size() || !rows.get(i + 1).workload().equals(rows.get(i).workload())) {
                last.add(rows.get(i));
            }
        }
        return last;
    }

    /** What rows are compared with, for people: libtorch, or cublas and libtorch. */
    String libraries() {
        String all = rows.stream().map(Row::library).filter(Objects::nonNull).distinct().sorted()
                .collect(Collectors.joining(" and "));
        return all.isEmpty() ? "a library" : all;
    }

    /** The geometric mean of the ratios of rows that have one, at least one row. */
    static double geometricMean(List<Row> rows) {
        return Math.exp(rows.stream().mapToDouble(row -> Math.log(row.ratio())).average().orElseThrow());
    }
}
