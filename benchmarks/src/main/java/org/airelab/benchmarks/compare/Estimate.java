package org.airelab.benchmarks.compare;

/**
 * The ratio of two times, base over new.
 *
 * @param ratio  above 1 the new one is faster
 * @param low    lower end of the 95 % interval
 * @param high   its upper end
 * @param pValue two-sided, of the hypothesis that the ratio is 1
 */
record Estimate(double ratio, double low, double high, double pValue) {
}
