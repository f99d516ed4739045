package org.airelab.benchmarks.compare;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.airelab.benchmarks.report.Quantiles;

/**
 * The ratio of two medians, base over new, with a bootstrap interval (Efron and Tibshirani, "An Introduction to the
 * Bootstrap", 1993, chapters 13 and 15).
 *
 * <p>Samples of one JVM resemble each other more than those of another, so resampling has two stages (Davison and
 * Hinkley, "Bootstrap Methods and their Application", 1997, section 3.8): JVMs are drawn with replacement, and from
 * each drawn one its samples. A bootstrap over n JVMs spreads too little by the factor sqrt((n - 1) / n); the
 * logarithms of the resampled ratios are moved away from the observed one's to make up for it, n being the smaller of
 * the two numbers. With one JVM on a side only its samples are drawn there, and how JVMs differ remains unknown.
 *
 * @param ratio  of the medians of all samples: above 1 the new one is faster
 * @param low    lower end of the 95 % percentile interval
 * @param high   its upper end
 * @param pValue two-sided, of the hypothesis that the ratio is 1
 */
record Bootstrap(double ratio, double low, double high, double pValue) {
    /** Enough for p-values that Holm's correction over 200 rows can still call significant. */
    static final int RESAMPLES = 20_000;
    private static final double TAIL = 0.025;

    /** Resamples; equal seeds give equal results. */
    static Bootstrap of(double[][] base, double[][] changed, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        double observed = Math.log(Quantiles.of(base, 0.5) / Quantiles.of(changed, 0.5));
        int fewest = Math.min(base.length, changed.length);
        double widening = fewest > 1 ? Math.sqrt(fewest / (fewest - 1.0)) : 1;
        double[] logs = new double[RESAMPLES];
        for (int i = 0; i < RESAMPLES; i++) {
            double resampled = Math.log(median(base, random) / median(changed, random));
            logs[i] = observed + widening * (resampled - observed);
        }
        Arrays.sort(logs);
        return new Bootstrap(Math.exp(observed), Math.exp(Quantiles.ofSorted(logs, TAIL)),
                Math.exp(Quantiles.ofSorted(logs, 1 - TAIL)), pValue(logs));
    }

    /** Twice the share of resamples on the rarer side of 0, the observed sample counted as one more of them. */
    private static double pValue(double[] logs) {
        long below = Arrays.stream(logs).filter(x -> x <= 0).count();
        long above = Arrays.stream(logs).filter(x -> x >= 0).count();
        return Math.min(1, 2.0 * (Math.min(below, above) + 1) / (logs.length + 1));
    }

    private static double median(double[][] groups, SplittableRandom random) {
        int largest = Arrays.stream(groups).mapToInt(group -> group.length).max().orElseThrow();
        double[] drawn = new double[largest * groups.length];
        int count = 0;
        for (int i = 0; i < groups.length; i++) {
            double[] group = groups[random.nextInt(groups.length)];
            for (int j = 0; j < group.length; j++) {
                drawn[count++] = group[random.nextInt(group.length)];
            }
        }
        Arrays.sort(drawn, 0, count);
        return (drawn[count / 2] + drawn[(count - 1) / 2]) / 2;
    }
}
