package org.airelab.kernels.loss;

import static org.airelab.kernels.Native.assertAsGoodAsPlain;
import static org.airelab.kernels.Native.normal;
import static org.airelab.kernels.Native.zeros;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.util.SplittableRandom;
import org.airelab.kernels.Native;
import org.junit.jupiter.api.Test;

class CrossEntropyTest {
    private static final int IGNORED = -100;
    private static final CrossEntropy REFERENCE = CrossEntropy.FAMILY.reference();

    private static MemorySegment targets(int rows, int vocabulary) {
        var random = new SplittableRandom(7);
        var targets = new long[rows];
        for (var row = 0; row < rows; row++) {
            targets[row] = row % 5 == 3 ? IGNORED : random.nextInt(vocabulary);
        }
        return Native.longs(targets);
    }

    /** The losses of the rows. */
    private static MemorySegment forward(CrossEntropy rung, MemorySegment logits, MemorySegment targets, int rows,
            int vocabulary) {
        var losses = zeros(rows);
        rung.forward(logits, targets, losses, rows, vocabulary, IGNORED);
        return losses;
    }

    /** The losses of the rows; the logits become the gradient. */
    private static MemorySegment forwardBackward(CrossEntropy rung, MemorySegment logits, MemorySegment targets,
            int rows, int vocabulary, float scale) {
        var losses = zeros(rows);
        rung.forwardBackward(logits, targets, losses, rows, vocabulary, IGNORED, scale);
        return losses;
    }

    @Test
    void everyRungAgreesWithTheReference() {
        for (var vocabulary : new int[] {1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 100, 4097}) {
            var rows = 13;
            var logits = normal((long) rows * vocabulary, 1, 4);
            var targets = targets(rows, vocabulary);
            var expected = Native.copy(logits);
            var plain = Native.copy(logits);
            var losses = forwardBackward(REFERENCE, expected, targets, rows, vocabulary, 0.25f);
            var plainLosses = forwardBackward(CrossEntropy.FAMILY.rungs().getFirst(), plain, targets, rows, vocabulary,
                    0.25f);
            assertEquals(-1, losses.mismatch(forward(REFERENCE, logits, targets, rows, vocabulary)));
            for (var rung : CrossEntropy.FAMILY.rungs()) {
                var actual = Native.copy(logits);
                var what = rung.name() + " " + vocabulary;
                assertAsGoodAsPlain(losses, plainLosses, forward(rung, actual, targets, rows, vocabulary), what);
                assertEquals(-1, actual.mismatch(logits), "forward must not write");
                assertAsGoodAsPlain(losses, plainLosses, forwardBackward(rung, actual, targets, rows, vocabulary,
                        0.25f), what);
                assertAsGoodAsPlain(expected, plain, actual, what);
            }
        }
    }

    @Test
    void equalLogitsCostTheLogarithmOfTheirNumber() {
        for (var rung : CrossEntropy.FAMILY.rungs()) {
            var losses = forward(rung, zeros(150), Native.longs(0, 1, 49), 3, 50);
            assertEquals(3 * Math.log(50), CrossEntropy.sum(losses), 1e-5);
        }
    }

    @Test
    void theReferencesGradientIsTheSlope() {
        var logits = normal(4 * 9, 1, 1);
        var targets = Native.longs(3, 0, IGNORED, 8);
        var gradient = Native.copy(logits);
        forwardBackward(REFERENCE, gradient, targets, 4, 9, 1);
        Native.assertSlope(logits, gradient, () -> CrossEntropy.sum(forward(REFERENCE, logits, targets, 4, 9)), 1e-3);
    }

    @Test
    void gradientsOfARowSumToZeroAndIgnoredRowsHaveNone() {
        for (var rung : CrossEntropy.FAMILY.rungs()) {
            var logits = normal(3 * 100, 2, 3);
            forwardBackward(rung, logits, Native.longs(5, IGNORED, 99), 3, 100, 1);
            var values = Native.array(logits);
            for (var row = 0; row < 3; row++) {
                var sum = 0.0;
                for (var i = 0; i < 100; i++) {
                    sum += values[100 * row + i];
                    assertTrue(row != 1 || values[100 * row + i] == 0);
                }
                assertEquals(0, sum, 1e-6);
            }
        }
    }

    @Test
    void hugeLogitsDoNotOverflowAndMinusInfinityIsImpossible() {
        for (var rung : CrossEntropy.FAMILY.rungs()) {
            var logits = zeros(20);
            for (var i = 0; i < 20; i++) {
                Native.set(logits, i, i % 2 == 0 ? Float.NEGATIVE_INFINITY : -3e38f);
            }
            Native.set(logits, 18, 3e38f);
            assertEquals(0, Native.get(forwardBackward(rung, logits, Native.longs(18), 1, 20, 1), 0));
            assertArrayEquals(new float[20], Native.array(logits));
            assertEquals(Float.POSITIVE_INFINITY, Native.get(forward(rung,
                    Native.of(Float.NEGATIVE_INFINITY, 1), Native.longs(0), 1, 2), 0));
        }
    }

    @Test
    void nanAndInfinityMakeTheLossNan() {
        for (var bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY}) {
            for (var at : new int[] {0, 7, 20, 39}) {
                for (var rung : CrossEntropy.FAMILY.rungs()) {
                    var logits = normal(40, 1, 1);
                    Native.set(logits, at, bad);
                    var targets = Native.longs(3);
                    assertTrue(Float.isNaN(Native.get(forward(rung, logits, targets, 1, 40), 0)), rung.name());
                    assertTrue(Float.isNaN(Native.get(forwardBackward(rung, logits, targets, 1, 40, 1), 0)));
                }
            }
        }
    }

    @Test
    void argumentsAreCheckedBeforeAnythingIsWritten() {
        for (var rung : CrossEntropy.FAMILY.rungs()) {
            var logits = normal(20, 1, 1);
            var before = Native.copy(logits);
            var losses = Native.of(7, 7);
            for (var target : new long[] {10, -1, Long.MAX_VALUE}) {
                var e = assertThrows(IllegalArgumentException.class,
                        () -> rung.forwardBackward(logits, Native.longs(0, target), losses, 2, 10, IGNORED, 1));
                assertTrue(e.getMessage().contains("found " + target + " in row 1"), e.getMessage());
            }
            assertThrows(IllegalArgumentException.class,
                    () -> rung.forwardBackward(logits, Native.longs(0), losses, 2, 10, IGNORED, 1));
            assertThrows(IllegalArgumentException.class,
                    () -> rung.forward(logits, Native.longs(0, 0), losses, 2, 11, IGNORED));
            assertThrows(IllegalArgumentException.class,
                    () -> rung.forward(logits, Native.longs(0, 0), zeros(1), 2, 10, IGNORED));
            assertEquals(-1, logits.mismatch(before));
            assertEquals(-1, losses.mismatch(Native.of(7, 7)));
            rung.forward(zeros(0), Native.longs(), zeros(0), 0, 10, IGNORED);
        }
    }

    @Test
    void sumsInFloat64InTheOrderOfTheRows() {
        assertEquals(0x1p24 + 1, CrossEntropy.sum(Native.of(0x1p24f, 1)));
        assertEquals(1, CrossEntropy.sum(Native.of(-0x1p60f, 0x1p60f, 1)));
        assertEquals(0, CrossEntropy.sum(zeros(0)));
    }

    @Test
    void countsTargets() {
        assertEquals(2, CrossEntropy.counted(Native.longs(1, IGNORED, 0), 3, IGNORED));
    }

    @Test
    void threadsDoNotMatter() {
        Native.assertThreadsDoNotMatter(threads -> {
            var logits = normal(200 * 501, 3, 2);
            var losses = forwardBackward(CrossEntropy.FAMILY.fastest(), logits, targets(200, 501), 200, 501, 1f / 160);
            logits.asSlice(0, losses.byteSize()).copyFrom(losses);
            return Native.array(logits);
        });
    }
}
