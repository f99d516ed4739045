package org.airelab.kernels.cuda;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.lang.foreign.MemorySegment;
import org.airelab.kernels.DType;
import org.junit.jupiter.api.Test;

/** CUDA's documented limits of tensor maps. */
class TensorMapTest {
    private static final MemorySegment TENSOR = MemorySegment.ofAddress(0x1000).reinterpret(1 << 20);

    private static TensorMap map(MemorySegment tensor, long[] sizes, long[] strides, int[] box, Swizzle swizzle) {
        return TensorMap.tiled(DType.BF16, tensor, sizes, strides, box, swizzle);
    }

    private static void refused(String message, MemorySegment tensor, long[] sizes, long[] strides, int[] box,
            Swizzle swizzle) {
        assertEquals("tensor map: expected " + message, assertThrows(IllegalArgumentException.class,
                () -> map(tensor, sizes, strides, box, swizzle)).getMessage());
    }

    private static long[] longs(long... values) {
        return values;
    }

    private static int[] ints(int... values) {
        return values;
    }

    @Test
    void whatIsWithinTheLimitsIsTaken() {
        assertDoesNotThrow(() -> map(TENSOR, longs(1), longs(), ints(8), Swizzle.NONE));
        assertDoesNotThrow(() -> map(TENSOR, longs(64, 16, 4, 4, 4), longs(128, 2048, 8192, 32768),
                ints(64, 16, 1, 1, 1), Swizzle.BYTES_128));
        assertDoesNotThrow(() -> map(TENSOR, longs(256, 4), longs(512), ints(256, 4), Swizzle.NONE));
    }

    @Test
    void dimensionsAreOneToFiveWithAStrideForAllButTheFirst() {
        refused("1 to 5 dimensions, found 0", TENSOR, longs(), longs(), ints(), Swizzle.NONE);
        refused("1 to 5 dimensions, found 6", TENSOR, new long[6], new long[5], new int[6], Swizzle.NONE);
        refused("a stride for each of 1 dimensions, found 2", TENSOR, longs(8, 8), longs(16, 16), ints(8, 8),
                Swizzle.NONE);
        refused("a tile of 2 dimensions, found 1", TENSOR, longs(8, 8), longs(16), ints(8), Swizzle.NONE);
    }

    @Test
    void addressesAndStridesAreMultiplesOfSixteen() {
        refused("memory at a multiple of 16, found 4104", TENSOR.asSlice(8), longs(8), longs(), ints(8), Swizzle.NONE);
        refused("strides that are multiples of 16 bytes below 2^40, found 18", TENSOR, longs(9, 2), longs(18),
                ints(8, 2), Swizzle.NONE);
        refused("strides that are multiples of 16 bytes below 2^40, found 1099511627776", TENSOR, longs(8, 1),
                longs(1L << 40), ints(8, 1), Swizzle.NONE);
    }

    @Test
    void sizesAndTilesHaveBounds() {
        refused("sizes of 1 to 4294967296, found 0", TENSOR, longs(8, 0), longs(16), ints(8, 1), Swizzle.NONE);
        refused("sizes of 1 to 4294967296, found 4294967297", TENSOR, longs((1L << 32) + 1), longs(), ints(8),
                Swizzle.NONE);
        refused("a tile of 1 to 256 elements a dimension, found 257", TENSOR, longs(8, 1), longs(16), ints(8, 257),
                Swizzle.NONE);
        refused("tiles with rows of a multiple of 16 bytes, found 8", TENSOR, longs(8), longs(), ints(4), Swizzle.NONE);
    }

    @Test
    void rowsAreNoWiderThanTheSwizzle() {
        assertDoesNotThrow(() -> map(TENSOR, longs(64), longs(), ints(16), Swizzle.BYTES_32));
        refused("tiles with rows of at most the swizzle's 32 bytes, found 48", TENSOR, longs(64), longs(), ints(24),
                Swizzle.BYTES_32);
        refused("tiles with rows of at most the swizzle's 128 bytes, found 144", TENSOR, longs(128), longs(), ints(72),
                Swizzle.BYTES_128);
    }

    @Test
    void theTensorLiesWithinItsMemory() {
        MemorySegment exact = TENSOR.asSlice(0, 3 * 64 + 2 * 10);
        assertDoesNotThrow(() -> map(exact, longs(10, 4), longs(64), ints(8, 4), Swizzle.NONE));
        refused("memory of at least 214 bytes, found 212", exact, longs(11, 4), longs(64), ints(8, 4), Swizzle.NONE);
    }
}
