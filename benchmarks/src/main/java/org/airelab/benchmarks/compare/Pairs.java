package org.airelab.benchmarks.compare;

import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.airelab.benchmarks.report.Quantiles;

/**
 * The ratio of two times that were measured in turn: a sample of the one right after a sample of the other, in two JVMs
 * that lived side by side. What the machine does to both, it does to their ratio not at all, and what it does to one
 * sample alone, the median over all pairs does not see.
 *
 * <p>The interval is a bootstrap in two stages (Davison and Hinkley, "Bootstrap Methods and their Application", 1997,
 * section 3.8): pairs of JVMs are drawn with replacement, then samples within each. As of n pairs of JVMs it spreads too
 * little by the factor sqrt((n - 1) / n), the resampled logarithms are moved away from the observed one's.
 */
final class Pairs {
    private static final int RESAMPLES = 10_000;
    private static final double TAIL = 0.025;

    private Pairs() {
    }

    /** Of rows that {@link #match}; equal seeds give equal results. */
    static Estimate of(double[][] base, double[][] changed, long seed) {
        double[][] logs = new double[base.length][];
        for (int jvm = 0; jvm < logs.length; jvm++) {
            double[] before = base[jvm];
            double[] after = changed[jvm];
            logs[jvm] = IntStream.range(0, before.length).mapToDouble(i -> Math.log(before[i] / after[i])).toArray();
        }
        double observed = Quantiles.median(Arrays.stream(logs).flatMapToDouble(Arrays::stream).toArray());
        double widening = Math.sqrt(logs.length / (logs.length - 1.0));
        SplittableRandom random = new SplittableRandom(seed);
        double[] resampled = IntStream.range(0, RESAMPLES)
                .mapToDouble(i -> observed + widening * (Quantiles.median(draw(logs, random)) - observed)).sorted()
                .toArray();
        return new Estimate(Math.exp(observed), Math.exp(Quantiles.ofSorted(resampled, TAIL)),
                Math.exp(Quantiles.ofSorted(resampled, 1 - TAIL)), pValue(resampled));
    }

    private static double[] draw(double[][] logs, SplittableRandom random) {
        double[] drawn = new double[Arrays.stream(logs).mapToInt(jvm -> jvm.length).sum()];
        int count = 0;
        for (int i = 0; i < logs.length && count < drawn.length; i++) {
            double[] jvm = logs[random.nextInt(logs.length)];
            for (int j = 0; j < jvm.length && count < drawn.length; j++) {
                drawn[count++] = jvm[random.nextInt(jvm.length)];
            }
        }
        return count == drawn.length ? drawn : Arrays.copyOf(drawn, count);
    }

    /** Twice the share of resamples on the rarer side of 0; at least what so many of them can tell. */
    private static double pValue(double[] resampled) {
        long atMost = Arrays.stream(resampled).filter(x -> x <= 0).count();
        long atLeast = Arrays.stream(resampled).filter(x -> x >= 0).count();
        return Math.min(1, 2.0 * Math.max(1, Math.min(atMost, atLeast)) / RESAMPLES);
    }

    /** Whether two rows' samples can be paired: of as many JVMs, at least two, and as many in each. */
    static boolean match(double[][] base, double[][] changed) {
        return base.length == changed.length && base.length > 1
                && IntStream.range(0, base.length).allMatch(i -> base[i].length == changed[i].length);
    }
}
