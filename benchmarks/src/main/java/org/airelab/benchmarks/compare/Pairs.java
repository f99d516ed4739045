package org.airelab.benchmarks.compare;

import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.airelab.benchmarks.report.Quantiles;

/**
 * The ratio of two times that were measured in turn: the iterations of a sample of the one between those of a sample of
 * the other, in two JVMs that lived side by side. What the machine does to both, it does to their ratio not at all, and
 * what it does to one sample alone, the median over all pairs does not see.
 *
 * <p>The interval is a bootstrap in two stages (Davison and Hinkley, "Bootstrap Methods and their Application", 1997,
 * section 3.8): pairs of JVMs are drawn with replacement, then samples within each. The observations are the pairs of
 * JVMs: the samples of one resemble each other. Where they do not, it holds the truth more often than it says.
 */
final class Pairs {
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
        SplittableRandom random = new SplittableRandom(seed);
        return Estimate.bootstrap(observed, () -> Quantiles.median(draw(logs, random)), logs.length, logs.length - 1,
                0);
    }

    private static double[] draw(double[][] logs, SplittableRandom random) {
        double[] drawn = new double[logs.length * Arrays.stream(logs).mapToInt(jvm -> jvm.length).max().orElse(0)];
        int count = 0;
        for (int i = 0; i < logs.length; i++) {
            double[] jvm = logs[random.nextInt(logs.length)];
            for (int j = 0; j < jvm.length; j++) {
                drawn[count++] = jvm[random.nextInt(jvm.length)];
            }
        }
        return Arrays.copyOf(drawn, count);
    }

    /** Whether two rows' samples can be paired: of as many JVMs, at least two, and as many in each. */
    static boolean match(double[][] base, double[][] changed) {
        return base.length == changed.length && base.length > 1
                && IntStream.range(0, base.length).allMatch(i -> base[i].length == changed[i].length);
    }
}
