package org.airelab.benchmarks.compare;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.airelab.benchmarks.report.Quantiles;

/**
 * The ratio of two times, base over new, with a bootstrap interval (Efron and Tibshirani, "An Introduction to the
 * Bootstrap", 1993, chapters 13 and 15).
 *
 * <p>A row's time is the median over its JVMs of the lower quartile of each one's samples. Other programs only add time
 * to a sample, and may do so for most of a JVM's life: the lower quartile withstands that. JVMs differ both ways.
 *
 * <p>Samples of one JVM resemble each other more than those of another, so resampling has two stages (Davison and
 * Hinkley, "Bootstrap Methods and their Application", 1997, section 3.8): JVMs are drawn with replacement, and from
 * each drawn one its samples. A bootstrap over n JVMs spreads too little by the factor sqrt((n - 1) / n); the
 * logarithms of the resampled ratios are moved away from the observed one's to make up for it, n being the smaller of
 * the two numbers. With one JVM on a side only its samples are drawn there, and how JVMs differ remains unknown.
 *
 * @param ratio  of the times: above 1 the new one is faster
 * @param low    lower end of the 95 % percentile interval
 * @param high   its upper end
 * @param pValue two-sided, of the hypothesis that the ratio is 1
 */
record Bootstrap(double ratio, double low, double high, double pValue) {
    private static final int RESAMPLES = 10_000;
    private static final double TAIL = 0.025;
    /** Half the length of the standard normal distribution's 95 % interval. */
    private static final double Z95 = 1.959964;
    private static final double QUARTILE = 0.25;

    /** Resamples; equal seeds give equal results. */
    static Bootstrap of(double[][] base, double[][] changed, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        double observed = Math.log(time(base) / time(changed));
        int fewest = Math.min(base.length, changed.length);
        double widening = fewest > 1 ? Math.sqrt(fewest / (fewest - 1.0)) : 1;
        double[] logs = new double[RESAMPLES];
        for (int i = 0; i < RESAMPLES; i++) {
            double resampled = Math.log(time(draw(base, random)) / time(draw(changed, random)));
            logs[i] = observed + widening * (resampled - observed);
        }
        Arrays.sort(logs);
        double low = Quantiles.ofSorted(logs, TAIL);
        double high = Quantiles.ofSorted(logs, 1 - TAIL);
        return new Bootstrap(Math.exp(observed), Math.exp(low), Math.exp(high), pValue(observed, low, high));
    }

    /**
     * Of the normal distribution whose 95 % interval is as long as that of the logarithms: a share of the resamples
     * themselves could be no smaller than one of them, and Holm's correction over many rows asks for less.
     */
    private static double pValue(double logRatio, double logLow, double logHigh) {
        double deviation = (logHigh - logLow) / (2 * Z95);
        return logRatio == 0 ? 1 : Math.min(1, 2 * upperTail(Math.abs(logRatio) / deviation));
    }

    /** 1 - Phi(z) for z of at least 0, within 7.5e-8: Abramowitz and Stegun, 1964, equation 26.2.17. */
    private static double upperTail(double z) {
        double t = 1 / (1 + 0.2316419 * z);
        double series = t * (0.319381530
                + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
        return Math.exp(-z * z / 2) / Math.sqrt(2 * Math.PI) * series;
    }

    /** A row's time. */
    static double time(double[][] jvms) {
        double[] quartiles = new double[jvms.length];
        for (int i = 0; i < jvms.length; i++) {
            double[] sorted = jvms[i].clone();
            Arrays.sort(sorted);
            quartiles[i] = Quantiles.ofSorted(sorted, QUARTILE);
        }
        Arrays.sort(quartiles);
        return Quantiles.ofSorted(quartiles, 0.5);
    }

    private static double[][] draw(double[][] jvms, SplittableRandom random) {
        double[][] drawn = new double[jvms.length][];
        for (int i = 0; i < drawn.length; i++) {
            double[] jvm = jvms[random.nextInt(jvms.length)];
            drawn[i] = new double[jvm.length];
            for (int j = 0; j < jvm.length; j++) {
                drawn[i][j] = jvm[random.nextInt(jvm.length)];
            }
        }
        return drawn;
    }
}
