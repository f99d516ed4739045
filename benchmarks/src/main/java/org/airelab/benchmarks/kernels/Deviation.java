package org.airelab.benchmarks.kernels;

import org.airelab.kernels.DType;

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
     * What rounding to an element type alone makes of exact numbers: at most half a unit in the last place of the
     * largest, and each of a deviation of its unit / sqrt(12), as of all numbers between two of the type none is more
     * likely. The reference's own results are rounded so to float32, hence less cannot be told from nothing.
     */
    static Deviation ofRounding(float[] reference, DType type) {
        double squares = 0;
        double largest = 0;
        for (float value : reference) {
            double half = value == 0 ? 0 : halfUnit(value, type);
            squares += half * half / 3;
            largest = Math.max(largest, half);
        }
        return of(squares, largest, reference);
    }

    private static double halfUnit(double value, DType type) {
        int fraction = switch (type) {
            case FP32 -> 23;
            case FP16 -> 10;
            case BF16 -> 7;
        };
        int leastExponent = type == DType.FP16 ? -14 : Float.MIN_EXPONENT;
        return Math.scalb(0.5, Math.max(Math.getExponent(value), leastExponent) - fraction);
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
