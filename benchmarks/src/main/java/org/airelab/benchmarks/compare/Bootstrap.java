package org.airelab.benchmarks.compare;

import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.airelab.benchmarks.report.Quantiles;

/**
 * The ratio of two times, base over new, with the bootstrap interval of {@link Estimate} (Efron and
 * Tibshirani, "An Introduction to the Bootstrap", 1993, chapters 13 and 16).
 *
 * <p>The samples of one JVM resemble each other more than those of another: they share its compiled code and its pages
 * of memory. So a JVM counts as one observation, its least sample: other programs only ever add time, often for most of
 * a JVM's life (Chen and Revels, "Robust benchmarking in noisy environments", 2016). A row's time is the median over
 * its JVMs, and JVMs are what the bootstrap draws with replacement.
 *
 * <p>Where a side has one JVM alone, how JVMs differ remains unknown; the times are then medians of the samples of all
 * JVMs, and samples are drawn instead.
 *
 * <p>Between the runs the machine may have changed. How much, the libraries' own times tell, measured between the
 * kernels': the standard deviation of a log-ratio that comes from the machine alone widens the interval.
 */
final class Bootstrap {
    private Bootstrap() {
    }

    /**
     * Resamples; equal seeds give equal results.
     *
     * @param drift standard deviation of log-ratios that comes from the machine; 0 where nothing is known of it
     */
    static Estimate of(double[][] base, double[][] changed, double drift, long seed) {
        boolean jvms = severalJvms(base, changed);
        double[] before = observations(base, jvms);
        double[] after = observations(changed, jvms);
        SplittableRandom random = new SplittableRandom(seed);
        double observed = Math.log(Quantiles.median(before) / Quantiles.median(after));
        return Estimate.bootstrap(observed,
                () -> Math.log(Quantiles.median(draw(before, random)) / Quantiles.median(draw(after, random))),
                Math.min(before.length, after.length), before.length + after.length - 2, drift);
    }

    /** The ratio alone. */
    static double ratio(double[][] base, double[][] changed) {
        boolean jvms = severalJvms(base, changed);
        return Quantiles.median(observations(base, jvms)) / Quantiles.median(observations(changed, jvms));
    }

    private static boolean severalJvms(double[][] base, double[][] changed) {
        return base.length > 1 && changed.length > 1;
    }

    private static double[] observations(double[][] samples, boolean oneEachJvm) {
        Stream<double[]> jvms = Arrays.stream(samples);
        return oneEachJvm ? jvms.mapToDouble(jvm -> Arrays.stream(jvm).min().orElseThrow()).toArray()
                : jvms.flatMapToDouble(Arrays::stream).toArray();
    }

    private static double[] draw(double[] values, SplittableRandom random) {
        double[] drawn = new double[values.length];
        for (int i = 0; i < drawn.length; i++) {
            drawn[i] = values[random.nextInt(values.length)];
        }
        return drawn;
    }
}
