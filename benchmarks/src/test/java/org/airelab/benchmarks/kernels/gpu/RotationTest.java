package org.airelab.benchmarks.kernels.gpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class RotationTest {
    private static final long L2 = 50L << 20;
    private static final long FREE = 60L << 30;

    @Test
    void copiesAreTogetherTwiceTheCache() {
        for (long footprint : new long[] {200_000, 1 << 20, 3 << 20, 40 << 20, 99 << 20}) {
            int copies = Rotation.copies(footprint, L2, FREE);
            assertTrue(copies * footprint >= 2 * L2, copies + " copies of " + footprint);
            assertTrue((copies - 1) * footprint < 2 * L2, copies + " copies of " + footprint);
        }
    }

    @Test
    void oneIsEnoughOfWhatIsLargeAndAsManyAreMadeAsFit() {
        assertEquals(1, Rotation.copies(1L << 30, L2, FREE));
        assertEquals(1, Rotation.copies(1000, 0, FREE), "without a cache to exceed");
        assertEquals(7, Rotation.copies(10, 50, 210), "results take memory too");
        assertEquals(1, Rotation.copies(59L << 30, L2, FREE));
        assertEquals("expected memory of at most 100 bytes, found a workload of 101",
                assertThrows(IllegalArgumentException.class, () -> Rotation.copies(101, L2, 100)).getMessage());
    }

    @Test
    void tinyWorkloadsDoNotMakeEndlessGraphs() {
        assertEquals(Rotation.MOST, Rotation.copies(256, L2, FREE));
    }

    @Test
    void aPassGoesRoundTheCopiesWholeTimesForTwoMilliseconds() {
        assertEquals(200, ReplayTimer.calls(2, 0.01));
        assertEquals(201, ReplayTimer.calls(3, 0.01));
        assertEquals(2, ReplayTimer.calls(2, 40), "a long call: one round");
        assertEquals(500, ReplayTimer.calls(500, 0.01), "many copies: one round");
        assertEquals(1024, ReplayTimer.calls(2, 1e-4), "no endless graphs");
    }
}
