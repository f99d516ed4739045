package org.airelab.benchmarks.compare;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import org.junit.jupiter.api.Test;

class HolmTest {
    /** R: {@code p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm")}. */
    @Test
    void agreesWithR() {
        assertArrayEquals(new double[] {0.03, 0.06, 0.06, 0.02}, Holm.adjust(new double[] {0.01, 0.04, 0.03, 0.005}),
                1e-15);
    }

    @Test
    void staysBelowOneAndKeepsTheOrder() {
        assertArrayEquals(new double[] {1, 0.3, 1}, Holm.adjust(new double[] {0.9, 0.1, 0.6}), 1e-15);
        assertArrayEquals(new double[0], Holm.adjust(new double[0]));
    }
}
