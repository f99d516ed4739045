package org.airelab.base;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class SplitMix64Test {
    /** The first numbers of Vigna's splitmix64.c from state 1234567, as many implementations publish them. */
    @Test
    void givesThePublishedNumbers() {
        var random = new SplitMix64(1234567);
        for (String expected : new String[] {"6457827717110365317", "3203168211198807973", "9817491932198370423",
            "4593380528125082431", "16408922859458223821"}) {
            assertEquals(expected, Long.toUnsignedString(random.nextLong()));
        }
    }

    @Test
    void doublesAreUniform() {
        var random = new SplitMix64(3);
        double sum = 0;
        double squares = 0;
        int n = 100_000;
        for (int i = 0; i < n; i++) {
            double x = random.nextDouble();
            assertTrue(x >= 0 && x < 1);
            sum += x;
            squares += x * x;
        }
        assertEquals(0.5, sum / n, 5 * Math.sqrt(1.0 / 12 / n));
        assertEquals(1.0 / 3, squares / n, 5 * Math.sqrt(4.0 / 45 / n));
    }

    @Test
    void elementsAndSeedsAreUnrelated() {
        assertEquals(SplitMix64.of(5, 6).nextLong(), SplitMix64.of(5, 6).nextLong());
        assertNotEquals(SplitMix64.of(5, 6).nextLong(), SplitMix64.of(6, 5).nextLong());
        int n = 20_000;
        double products = 0;
        for (int i = 0; i < n; i++) {
            products += (SplitMix64.of(1, i).nextDouble() - 0.5) * (SplitMix64.of(1, i + 1).nextDouble() - 0.5);
            products += (SplitMix64.of(i, 1).nextDouble() - 0.5) * (SplitMix64.of(i + 1, 1).nextDouble() - 0.5);
        }
        assertEquals(0, products / n, 5 * Math.sqrt(2.0 / n) / 12);
    }
}
