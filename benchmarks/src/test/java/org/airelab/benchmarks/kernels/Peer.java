package org.airelab.benchmarks.kernels;

import static org.junit.jupiter.api.Assertions.assertTrue;

import org.airelab.kernels.DType;

/** What results are allowed beside libtorch's. */
final class Peer {
    /** Results whose root mean square says little. */
    private static final int FEW = 32;

    private Peer() {
    }

    /**
     * Asserts that a rung's deviation is at most twice libtorch's, which is known but to the reference's own rounding:
     * where libtorch happens to be exact, results may be a unit in the last place off, and so may one in twelve of
     * them. The root mean square of a few is a matter of luck.
     *
     * @param terms numbers that the rung is known to add up one after the other, which is off by as much as the square
     *              root of so many roundings (Higham and Mary, "A New Approach to Probabilistic Rounding Error
     *              Analysis", 2019); 1 for a rung that is to be no worse than libtorch in its sums either
     */
    static void assertAtMostTwice(float[] reference, Deviation libtorch, float[] actual, int terms, String what) {
        Deviation rounding = Deviation.ofRounding(reference, DType.FP32);
        Deviation found = Deviation.of(reference, actual);
        double roundings = Math.sqrt(terms);
        String compared = what + ": expected at most twice libtorch's " + libtorch + " and what " + roundings
                + " times rounding makes, " + rounding + ", found " + found;
        assertTrue(found.largest() <= 2 * (libtorch.largest() + roundings * rounding.largest()), compared);
        assertTrue(reference.length < FEW || found.rms() <= 2 * libtorch.rms() + roundings * rounding.rms(), compared);
    }
}
