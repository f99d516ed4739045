package org.airelab.benchmarks.kernels;

/**
 * How far the numbers of a tensor are from the reference's, in units of the root mean square of these. NaN where one of
 * two numbers is NaN and the other is not.
 *
 * @param rms     the root mean square of the differences
 * @param largest the largest difference
 */
record Deviation(double rms, double largest) {
    static Deviation of(float[] reference, float[] actual) {
        if (reference.length != actual.length) {
            throw new IllegalStateException("expected " + reference.length + " results, found " + actual.length);
        }
        double squares = 0;
        double largest = 0;
        for (int i = 0; i < reference.length; i++) {
            if (Float.compare(reference[i], actual[i]) != 0) {
                double difference = Math.abs((double) reference[i] - actual[i]);
                squares += difference * difference;
                largest = Math.max(largest, difference);
            }
        }
        return of(squares, largest, reference);
    }

    /**
     * What rounding alone makes of exact numbers: at most half a unit in the last place of the largest, and each of a
     * deviation of its unit / sqrt(12), as of all numbers between two floats none is more likely. The reference's own
     * results are rounded so, hence less cannot be told from nothing.
     */
    static Deviation ofRounding(float[] reference) {
        double squares = 0;
        double largest = 0;
        for (float value : reference) {
            double unit = Math.ulp(value);
            squares += unit * unit / 12;
            largest = Math.max(largest, unit / 2);
        }
        return of(squares, largest, reference);
    }

    private static Deviation of(double squares, double largest, float[] reference) {
        if (squares == 0) {
            return new Deviation(0, 0);
        }
        double unit = rootMeanSquare(reference);
        return new Deviation(Math.sqrt(squares / reference.length) / unit, largest / unit);
    }

    static double rootMeanSquare(float[] values) {
        double squares = 0;
        for (float value : values) {
            squares += (double) value * value;
        }
        return Math.sqrt(squares / values.length);
    }
}
