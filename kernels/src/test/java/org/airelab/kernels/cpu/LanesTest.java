package org.airelab.kernels.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import org.airelab.kernels.Native;
import org.junit.jupiter.api.Test;

class LanesTest {
    @Test
    void sumsInOneOrderInterpretedAndCompiled() {
        var values = Native.of(1e8f, 1.5f, -3.25f, 7e7f, 0.1f, -1e8f, 2.7f, 1e-3f);
        var expected = ((1e8f + 0.1f) + (-3.25f + 2.7f)) + ((1.5f + -1e8f) + (7e7f + 1e-3f));
        for (var i = 0; i < 100_000; i++) { // long enough to be compiled on the way
            assertEquals(expected, Lanes.sum(Lanes.load(values.address())));
        }
    }

    @Test
    void largerPassesOverNan() {
        var current = Lanes.broadcast(2f);
        assertEquals(2, Lanes.larger(current, Lanes.broadcast(Float.NaN)).lane(0));
        assertEquals(3, Lanes.larger(current, Lanes.broadcast(3f)).lane(0));
        assertEquals(2, Lanes.larger(current, Lanes.broadcast(1f)).lane(0));
    }

    @Test
    void partialLoadsAndStoresTouchNothingElse() {
        var from = Native.of(1, 2, 3);
        var to = Native.of(9, 9, 9, 9);
        Lanes.store(Lanes.load(from.address(), 3).mul(2f), to.address(), 2);
        assertArrayEquals(new float[] {2, 4, 9, 9}, Native.array(to));
        assertArrayEquals(new float[] {1, 2, 3, 0, 0, 0, 0, 0}, Lanes.load(from.address(), 3).toArray());
    }

    @Test
    void broadcastsAndDoublesAreExact() {
        var values = Native.of(-0f, Float.NaN, Float.MIN_VALUE, 3.5f);
        assertArrayEquals(new float[] {3.5f, 3.5f, 3.5f, 3.5f, 3.5f, 3.5f, 3.5f, 3.5f},
                Lanes.broadcast(values.address() + 12).toArray());
        assertArrayEquals(new double[] {-0.0, Double.NaN, Float.MIN_VALUE, 3.5},
                Lanes.loadAsDoubles(values.address()).toArray());
    }

    @Test
    void numbersOfASegmentAreCountedFromItsBeginning() {
        var values = Native.of(1, 2, 3, 4).asSlice(4);
        assertEquals(4, Lanes.get(values, 2));
        Lanes.set(values, 1, 7);
        assertArrayEquals(new float[] {2, 7, 4}, Native.array(values));
    }
}
