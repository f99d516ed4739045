package org.airelab.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.BitSet;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PermutationTest {
    @Test
    void everySmallSizeIsPermuted() {
        for (int size = 1; size <= 300; size++) {
            assertBijection(size, size * 31L);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {997, 1024, 7919, 65_535, 65_536, 65_537, 1_000_003, 1 << 20, (1 << 20) + 1})
    void largerSizesArePermuted(int size) {
        assertBijection(size, 1);
        assertBijection(size, -1);
    }

    private static void assertBijection(int size, long key) {
        var permutation = new Permutation(size, key);
        var seen = new BitSet(size);
        for (int i = 0; i < size; i++) {
            long image = permutation.apply(i);
            assertTrue(image >= 0 && image < size, size + ": " + i + " goes to " + image);
            assertFalse(seen.get((int) image), size + ": " + image + " twice");
            seen.set((int) image);
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {(1L << 31) - 1, (1L << 31) + 11, (1L << 40) + 1, (1L << 61) + 1, 1L << 62})
    void hugeSizesStayInsideWithoutCollisions(long size) {
        var permutation = new Permutation(size, 42);
        Set<Long> images = new HashSet<>();
        for (long i = 0; i < 2_000; i++) {
            for (long element : new long[] {i, size - 1 - i, size / 3 + i}) {
                long image = permutation.apply(element);
                assertTrue(image >= 0 && image < size);
                images.add(image);
            }
        }
        assertEquals(6_000, images.size());
    }

    /** Over many keys every element of a small set goes everywhere equally often. */
    @ParameterizedTest
    @ValueSource(ints = {2, 3, 5, 7, 16})
    void noPlaceIsPreferred(int size) {
        int keys = 20_000;
        int[][] counts = new int[size][size];
        for (long key = 0; key < keys; key++) {
            var permutation = new Permutation(size, key);
            for (int i = 0; i < size; i++) {
                counts[i][(int) permutation.apply(i)]++;
            }
        }
        double mean = keys / (double) size;
        double deviation = Math.sqrt(mean * (1 - 1.0 / size));
        for (int[] row : counts) {
            for (int count : row) {
                assertEquals(mean, count, 5 * deviation);
            }
        }
    }

    /** In a random order of n elements one in two is followed by a greater one, and about one stays in place. */
    @Test
    void theOrderLooksRandom() {
        int size = 10_007;
        int ascents = 0;
        int fixed = 0;
        var permutation = new Permutation(size, 5);
        for (int i = 0; i + 1 < size; i++) {
            ascents += permutation.apply(i) < permutation.apply(i + 1) ? 1 : 0;
            fixed += permutation.apply(i) == i ? 1 : 0;
        }
        assertEquals(size / 2.0, ascents, 5 * Math.sqrt(size / 12.0));
        assertTrue(fixed < 10, fixed + " fixed points");
    }

    @Test
    void outOfRangeIsRefused() {
        assertThrows(IllegalArgumentException.class, () -> new Permutation(0, 1));
        assertThrows(IllegalArgumentException.class, () -> new Permutation((1L << 62) + 1, 1));
        assertThrows(IndexOutOfBoundsException.class, () -> new Permutation(10, 1).apply(10));
        assertThrows(IndexOutOfBoundsException.class, () -> new Permutation(10, 1).apply(-1));
    }
}
