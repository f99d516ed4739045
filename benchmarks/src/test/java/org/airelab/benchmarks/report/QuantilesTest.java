package org.airelab.benchmarks.report;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class QuantilesTest {
    /** {@code numpy.quantile([3, 1, 4, 1, 5, 9, 2, 6], p)}. */
    @Test
    void agreesWithNumpy() {
        double[][] groups = {{3, 1, 4}, {1, 5, 9, 2, 6}};
        double[] quantiles = {1, 1.4, 3.5, 5.6, 9};
        double[] places = {0, 0.2, 0.5, 0.8, 1};
        for (int i = 0; i < places.length; i++) {
            assertEquals(quantiles[i], Quantiles.of(groups, places[i]), 1e-12);
        }
    }

    @Test
    void oneValueIsAllQuantiles() {
        assertEquals(7, Quantiles.ofSorted(new double[] {7}, 0.2));
    }
}
