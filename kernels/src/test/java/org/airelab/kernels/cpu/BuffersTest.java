package org.airelab.kernels.cpu;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import org.airelab.kernels.Native;
import org.junit.jupiter.api.Test;

class BuffersTest {
    @Test
    void sizesAreNamedInTheMessage() {
        var e = assertThrows(IllegalArgumentException.class, () -> Buffers.floats("x", Native.zeros(5), 6));
        assertTrue(e.getMessage().contains("x of 6 float32") && e.getMessage().contains("found 5"), e.getMessage());
        assertThrows(IllegalArgumentException.class, () -> Buffers.longs("ids", Native.zeros(6), 6));
        assertDoesNotThrow(() -> Buffers.longs("ids", Native.zeros(6), 3));
    }

    @Test
    void heapMemoryIsRefused() {
        var heap = MemorySegment.ofArray(new float[4]);
        assertThrows(IllegalArgumentException.class, () -> Buffers.floats("x", heap, 4));
    }

    @Test
    void leastValues() {
        assertDoesNotThrow(() -> Buffers.atLeast("rows", 1, 1));
        var e = assertThrows(IllegalArgumentException.class, () -> Buffers.atLeast("rows", 1, 0));
        assertEquals("expected rows of at least 1, found 0", e.getMessage());
    }

    @Test
    void scratchIsAlignedGrowsAndBelongsToItsThread() throws InterruptedException {
        var first = Scratch.address(100);
        assertEquals(0, first % 64);
        assertEquals(first, Scratch.address(50));
        var large = Scratch.address(10 << 20);
        Lanes.set(large + (10 << 20) - 4, 1);
        var other = new long[1];
        var thread = Thread.ofPlatform().start(() -> other[0] = Scratch.address(10 << 20));
        thread.join();
        assertNotEquals(large, other[0]);
        assertEquals(128, Scratch.aligned(65));
    }
}
