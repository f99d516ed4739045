package org.airelab.kernels.embedding;

import static org.airelab.kernels.Native.assertAsGoodAsPlain;
import static org.airelab.kernels.Native.normal;
import static org.airelab.kernels.Native.zeros;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.util.SplittableRandom;
import org.airelab.kernels.Native;
import org.junit.jupiter.api.Test;

class EmbeddingTest {
    private static MemorySegment ids(int count, int vocabulary) {
        return Native.longs(new SplittableRandom(3).ints(count, 0, vocabulary).asLongStream().toArray());
    }

    @Test
    void everyRungAgreesWithTheReference() {
        for (var width : Native.AWKWARD) {
            for (var vocabulary : new int[] {1, 5, 40}) {
                var count = 300;
                var ids = ids(count, vocabulary);
                var table = normal((long) vocabulary * width, 1, 1);
                var rows = normal((long) count * width, 2, 1);
                var expected = zeros((long) count * width);
                Embedding.FAMILY.reference().gather(table, ids, expected, count, vocabulary, width);
                var expectedSum = Native.copy(table);
                var plainSum = Native.copy(table);
                Embedding.FAMILY.reference().scatterAdd(rows, ids, expectedSum, count, vocabulary, width);
                Embedding.FAMILY.rungs().getFirst().scatterAdd(rows, ids, plainSum, count, vocabulary, width);
                for (var rung : Embedding.FAMILY.rungs()) {
                    var out = zeros((long) count * width);
                    rung.gather(table, ids, out, count, vocabulary, width);
                    assertEquals(-1, out.mismatch(expected));
                    var sum = Native.copy(table);
                    rung.scatterAdd(rows, ids, sum, count, vocabulary, width);
                    assertAsGoodAsPlain(expectedSum, plainSum, sum, rung.name() + " " + width);
                }
            }
        }
    }

    @Test
    void theSumIsTheTransposeOfTheGather() {
        for (var rung : Embedding.FAMILY.rungs()) {
            var ids = ids(50, 7);
            var table = normal(7 * 9, 1, 1);
            var rows = normal(50 * 9, 2, 1);
            var gathered = zeros(50 * 9);
            var summed = zeros(7 * 9);
            rung.gather(table, ids, gathered, 50, 7, 9);
            rung.scatterAdd(rows, ids, summed, 50, 7, 9);
            assertEquals(Native.dot(gathered, rows), Native.dot(table, summed), 1e-4);
        }
    }

    @Test
    void idsAndSizesAreCheckedBeforeAnythingIsWritten() {
        for (var rung : Embedding.FAMILY.rungs()) {
            var table = zeros(12);
            for (var id : new long[] {3, -1, 1L << 40}) {
                var e = assertThrows(IllegalArgumentException.class,
                        () -> rung.scatterAdd(normal(8, 1, 1), Native.longs(0, id), table, 2, 3, 4));
                assertTrue(e.getMessage().contains("found " + id + " at 1"), e.getMessage());
                assertThrows(IllegalArgumentException.class,
                        () -> rung.gather(table, Native.longs(0, id), zeros(8), 2, 3, 4));
            }
            assertEquals(-1, table.mismatch(zeros(12)));
            assertThrows(IllegalArgumentException.class,
                    () -> rung.gather(table, Native.longs(0, 1), zeros(9), 2, 3, 4));
            rung.gather(table, Native.longs(), zeros(0), 0, 3, 4);
        }
    }

    @Test
    void threadsDoNotMatter() {
        Native.assertThreadsDoNotMatter(threads -> {
            var sum = zeros(40 * 33);
            Embedding.FAMILY.fastest().scatterAdd(normal(5000 * 33, 1, 1), ids(5000, 40), sum, 5000, 40, 33);
            return Native.array(sum);
        });
    }
}
