package org.airelab.benchmarks.report;

import java.util.Arrays;
import java.util.stream.Stream;

/** Quantiles by linear interpolation between order statistics: type 7 of Hyndman and Fan, 1996; numpy's default. */
public final class Quantiles {
    private Quantiles() {
    }

    /** The quantile {@code p} in [0, 1] of values in ascending order, at least one. */
    public static double ofSorted(double[] sorted, double p) {
        double place = p * (sorted.length - 1);
        int below = (int) place;
        int above = Math.min(below + 1, sorted.length - 1);
        return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
    }

    /** The median of values in any order. */
    public static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return ofSorted(sorted, 0.5);
    }

    /** The quantile of all samples of all groups. */
    public static double of(double[][] groups, double p) {
        return ofSorted(Stream.of(groups).flatMapToDouble(Arrays::stream).sorted().toArray(), p);
    }
}
