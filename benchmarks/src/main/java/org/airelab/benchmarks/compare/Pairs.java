package org.airelab.benchmarks.compare;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.airelab.benchmarks.report.Quantiles;

/**
 * The ratio of two times that were measured in turn: a sample of the one right after a sample of the other, in two JVMs
 * that lived side by side. What the machine does to both, it does to their ratio not at all.
 *
 * <p>A pair of JVMs counts as one observation, the median of its samples' log-ratios; they are judged by Student's
 * paired t-test.
 */
final class Pairs {
    private static final double TAIL = 0.05;

    private Pairs() {
    }

    /** Of rows with as many JVMs, at least two. */
    static Estimate of(double[][] base, double[][] changed) {
        double[] logs = IntStream.range(0, base.length).mapToDouble(i -> logRatio(base[i], changed[i])).toArray();
        int n = logs.length;
        double mean = Arrays.stream(logs).average().orElseThrow();
        double error = Math.sqrt(Arrays.stream(logs).map(x -> (x - mean) * (x - mean)).sum() / (n - 1) / n);
        double half = error * Student.quantile(TAIL, n - 1);
        double pValue = mean == 0 ? 1 : Student.twoSided(Math.abs(mean) / error, n - 1);
        return new Estimate(Math.exp(mean), Math.exp(mean - half), Math.exp(mean + half), pValue);
    }

    /** Whether two rows' samples can be paired. */
    static boolean match(double[][] base, double[][] changed) {
        return base.length == changed.length && base.length > 1
                && IntStream.range(0, base.length).allMatch(i -> base[i].length == changed[i].length);
    }

    private static double logRatio(double[] base, double[] changed) {
        return Quantiles.median(IntStream.range(0, base.length)
                .mapToDouble(i -> Math.log(base[i] / changed[i])).toArray());
    }
}
