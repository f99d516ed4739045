package org.airelab.benchmarks.compare;

import java.util.function.DoubleSupplier;
import java.util.stream.DoubleStream;
import org.airelab.benchmarks.report.Quantiles;

/**
 * The ratio of two times, base over new.
 *
 * @param ratio     above 1 the new one is faster
 * @param low       lower end of the 95 % interval
 * @param high      its upper end
 * @param innerLow  lower end of the 90 % interval
 * @param innerHigh its upper end, likewise
 * @param pValue    two-sided, of the hypothesis that the ratio is 1
 */
record Estimate(double ratio, double low, double high, double innerLow, double innerHigh, double pValue) {
    private static final int RESAMPLES = 10_000;
    /** Half the lengths of the standard normal distribution's 95 % and 90 % intervals. */
    private static final double Z95 = 1.959964;
    private static final double Z90 = 1.644854;

    /**
     * By a bootstrap. From n observations it spreads too little by the factor sqrt((n - 1) / n); the resampled
     * logarithms are moved away from the observed one to make up for it. Their percentiles, too, take that spread for
     * known: of a few JVMs it is not, and the interval is stretched by Student's t over the normal distribution's, of 5
     * pairs by 1.42, of 20 by 1.07 (much as the expanded percentile interval in Hesterberg, "What Teachers Should Know
     * About the Bootstrap", 2015).
     *
     * <p>The p-value is Student's, of the ratio's logarithm over the interval's length in units of t: of a few JVMs
     * hardly any resample lies on the other side of a ratio of 1, whether there is a difference or not, so that
     * counting those would find differences everywhere.
     *
     * @param observed     logarithm of the ratio
     * @param resample     gives the logarithm of a resampled one
     * @param observations n
     * @param degrees      of freedom, of Student's distribution; with none the interval is of all ratios
     * @param drift        standard deviation of log-ratios that comes from elsewhere, and widens the interval
     */
    static Estimate bootstrap(double observed, DoubleSupplier resample, int observations, int degrees, double drift) {
        if (degrees < 1) {
            return new Estimate(Math.exp(observed), 0, Double.POSITIVE_INFINITY, 0, Double.POSITIVE_INFINITY, 1);
        }
        double widening = observations > 1 ? Math.sqrt(observations / (observations - 1.0)) : 1;
        double[] logs = DoubleStream.generate(resample).limit(RESAMPLES)
                .map(resampled -> widening * (resampled - observed)).sorted().toArray();
        double outer = Student.quantile(0.05, degrees);
        double inner = Student.quantile(0.1, degrees);
        double below = outer * Math.hypot(Quantiles.ofSorted(logs, 0.025) / Z95, drift);
        double above = outer * Math.hypot(Quantiles.ofSorted(logs, 0.975) / Z95, drift);
        double pValue = observed == 0 ? 1
                : Student.twoSided(Math.abs(observed) * 2 * outer / (below + above), degrees);
        return new Estimate(Math.exp(observed), Math.exp(observed - below), Math.exp(observed + above),
                Math.exp(observed - inner * Math.hypot(Quantiles.ofSorted(logs, 0.05) / Z90, drift)),
                Math.exp(observed + inner * Math.hypot(Quantiles.ofSorted(logs, 0.95) / Z90, drift)), pValue);
    }
}
