package org.airelab.kernels.norm;

import static org.airelab.kernels.Native.assertAsGoodAsPlain;
import static org.airelab.kernels.Native.normal;
import static org.airelab.kernels.Native.zeros;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.util.function.DoubleSupplier;
import org.airelab.kernels.Native;
import org.junit.jupiter.api.Test;

class LayerNormTest {
    private static final float EPS = 1e-5f;
    private static final LayerNorm REFERENCE = LayerNorm.FAMILY.reference();

    private record Result(MemorySegment y, MemorySegment mean, MemorySegment rstd, MemorySegment dx,
            MemorySegment dWeight, MemorySegment dBias) {}

    private static Result run(LayerNorm norm, int rows, int width, boolean biased) {
        var size = (long) rows * width;
        var bias = biased ? normal(width, 4, 1) : null;
        return run(norm, rows, normal(size, 1, 2), normal(width, 2, 1), bias, normal(size, 3, 1));
    }

    private static Result run(LayerNorm norm, int rows, MemorySegment x, MemorySegment weight, MemorySegment bias,
            MemorySegment dy) {
        var width = (int) (weight.byteSize() / 4);
        var size = (long) rows * width;
        var result = new Result(zeros(size), zeros(rows), zeros(rows), zeros(size), zeros(width),
                bias == null ? null : zeros(width));
        norm.forward(x, weight, bias, result.y, result.mean, result.rstd, rows, width, EPS);
        result.dWeight.fill((byte) 77);
        norm.backward(dy, x, weight, result.mean, result.rstd, result.dx, result.dWeight, result.dBias, rows, width);
        return result;
    }

    @Test
    void everyRungAgreesWithTheReference() {
        for (var width : Native.AWKWARD) {
            if (width == 1) {
                continue; // the variance is 0 and x - mean nothing but rounding
            }
            for (var biased : new boolean[] {false, true}) {
                var expected = run(REFERENCE, 33, width, biased);
                var plain = run(LayerNorm.FAMILY.rungs().getFirst(), 33, width, biased);
                for (var rung : LayerNorm.FAMILY.rungs()) {
                    var actual = run(rung, 33, width, biased);
                    var what = rung.name() + " width " + width + " bias " + biased;
                    assertAsGoodAsPlain(expected.y, plain.y, actual.y, what + " y");
                    assertAsGoodAsPlain(expected.mean, plain.mean, actual.mean, what + " mean");
                    assertAsGoodAsPlain(expected.rstd, plain.rstd, actual.rstd, what + " rstd");
                    assertAsGoodAsPlain(expected.dWeight, plain.dWeight, actual.dWeight, what + " dWeight");
                    if (width > 2) { // with two elements the gradient is the difference of equals
                        assertAsGoodAsPlain(expected.dx, plain.dx, actual.dx, what + " dx");
                    }
                    if (biased) {
                        assertAsGoodAsPlain(expected.dBias, plain.dBias, actual.dBias, what + " dBias");
                    }
                }
            }
        }
    }

    @Test
    void oneElementGivesTheBias() {
        for (var rung : LayerNorm.FAMILY.rungs()) {
            var y = zeros(3);
            var mean = zeros(3);
            rung.forward(normal(3, 1, 1), normal(1, 2, 1), Native.of(0.75f), y, mean, zeros(3), 3, 1, EPS);
            for (var i = 0; i < 3; i++) {
                assertEquals(0.75f, Native.get(y, i));
            }
        }
    }

    @Test
    void nanAndInfinitiesPropagateAsInTheReference() {
        var rows = 3;
        var width = 33;
        for (var value : new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY}) {
            for (var bad = 0; bad < 4; bad++) {
                for (var column : new int[] {4, width - 1}) { // within a vector, and after the last whole one
                    var inputs = new MemorySegment[] {normal(rows * width, 1, 2), normal(width, 2, 1),
                        normal(width, 4, 1), normal(rows * width, 3, 1)};
                    var ofRows = bad == 0 || bad == 3;
                    Native.set(inputs[bad], ofRows ? width + column : column, value);
                    var expected = run(REFERENCE, rows, inputs[0], inputs[1], inputs[2], inputs[3]);
                    for (var rung : LayerNorm.FAMILY.rungs()) {
                        assertSameSpecials(expected, run(rung, rows, inputs[0], inputs[1], inputs[2], inputs[3]),
                                rung.name() + " with " + value + " in input " + bad);
                    }
                }
            }
        }
    }

    private static void assertSameSpecials(Result expected, Result actual, String what) {
        Native.assertSameSpecials(expected.y, actual.y, what + ", y");
        Native.assertSameSpecials(expected.mean, actual.mean, what + ", mean");
        Native.assertSameSpecials(expected.rstd, actual.rstd, what + ", rstd");
        Native.assertSameSpecials(expected.dx, actual.dx, what + ", dx");
        Native.assertSameSpecials(expected.dWeight, actual.dWeight, what + ", dWeight");
        Native.assertSameSpecials(expected.dBias, actual.dBias, what + ", dBias");
    }

    @Test
    void theReferencesGradientIsTheSlope() {
        var rows = 3;
        var width = 9;
        var x = normal(rows * width, 1, 1);
        var weight = normal(width, 2, 1);
        var bias = normal(width, 4, 1);
        var dy = normal(rows * width, 3, 1);
        var y = zeros(rows * width);
        var mean = zeros(rows);
        var rstd = zeros(rows);
        var dx = zeros(rows * width);
        var dWeight = zeros(width);
        var dBias = zeros(width);
        REFERENCE.forward(x, weight, bias, y, mean, rstd, rows, width, EPS);
        REFERENCE.backward(dy, x, weight, mean, rstd, dx, dWeight, dBias, rows, width);
        DoubleSupplier loss = () -> {
            REFERENCE.forward(x, weight, bias, y, mean, rstd, rows, width, EPS);
            return Native.dot(y, dy);
        };
        Native.assertSlope(x, dx, loss, 2e-3);
        Native.assertSlope(weight, dWeight, loss, 2e-3);
        Native.assertSlope(bias, dBias, loss, 2e-3);
    }

    @Test
    void aConstantAddedToARowChangesNothing() {
        for (var rung : LayerNorm.FAMILY.rungs()) {
            var x = normal(40, 1, 1);
            var shifted = Native.copy(x);
            for (var i = 0; i < 40; i++) {
                Native.set(shifted, i, Native.get(x, i) + 2);
            }
            var first = zeros(40);
            var second = zeros(40);
            rung.forward(x, normal(40, 2, 1), null, first, zeros(1), zeros(1), 1, 40, EPS);
            rung.forward(shifted, normal(40, 2, 1), null, second, zeros(1), zeros(1), 1, 40, EPS);
            assertTrue(Native.error(first, second) < 1e-6);
        }
    }

    @Test
    void sumsAreNormalizedAndTheirGradientsAdded() {
        var rows = 700;
        var width = 33;
        var x = normal(rows * width, 1, 1);
        var weight = normal(width, 2, 1);
        var dy = normal(rows * width, 3, 1);
        var dSum = normal(rows * width, 4, 1);
        for (var rung : LayerNorm.FAMILY.rungs()) {
            var added = normal(rows * width, 5, 1);
            var sum = zeros(rows * width);
            for (var i = 0; i < rows * width; i++) {
                Native.set(sum, i, Native.get(x, i) + Native.get(added, i));
            }
            var y = zeros(rows * width);
            var rstd = zeros(rows);
            var dx = zeros(rows * width);
            var dWeight = zeros(width);
            var plainY = zeros(rows * width);
            var plainDx = zeros(rows * width);
            var plainDWeight = zeros(width);
            var mean = zeros(rows);
            rung.forwardOfSum(x, added, added, weight, dWeight, y, mean, rstd, rows, width, EPS);
            rung.forward(sum, weight, dWeight, plainY, mean, zeros(rows), rows, width, EPS);
            rung.backwardOfSum(dy, dSum, added, weight, mean, rstd, dx, dWeight, zeros(width), rows, width);
            rung.backward(dy, sum, weight, mean, rstd, plainDx, plainDWeight, zeros(width), rows, width);
            for (var i = 0; i < rows * width; i++) {
                Native.set(plainDx, i, Native.get(plainDx, i) + Native.get(dSum, i));
            }
            assertArrayEquals(Native.array(sum), Native.array(added), rung.name());
            assertArrayEquals(Native.array(plainY), Native.array(y), rung.name());
            assertArrayEquals(Native.array(plainDx), Native.array(dx), rung.name());
            assertArrayEquals(Native.array(plainDWeight), Native.array(dWeight), rung.name());
            assertThrows(IllegalArgumentException.class, () -> rung.forwardOfSum(x, zeros(7), sum, weight, null, y,
                    mean, rstd, rows, width, EPS));
            assertThrows(IllegalArgumentException.class, () -> rung.backwardOfSum(dy, zeros(7), sum, weight, mean, rstd,
                    dx, dWeight, null, rows, width));
        }
    }

    @Test
    void sizesAreChecked() {
        for (var rung : LayerNorm.FAMILY.rungs()) {
            assertThrows(IllegalArgumentException.class,
                    () -> rung.forward(zeros(8), zeros(4), zeros(3), zeros(8), zeros(2), zeros(2), 2, 4, EPS));
            assertThrows(IllegalArgumentException.class,
                    () -> rung.forward(zeros(8), zeros(4), null, zeros(8), zeros(1), zeros(2), 2, 4, EPS));
            assertThrows(IllegalArgumentException.class, () -> rung.backward(zeros(8), zeros(8), zeros(4), zeros(2),
                    zeros(2), zeros(8), zeros(4), zeros(5), 2, 4));
        }
    }

    @Test
    void threadsDoNotMatter() {
        Native.assertThreadsDoNotMatter(
                threads -> Native.array(run(LayerNorm.FAMILY.fastest(), 700, 65, true).dWeight));
    }
}
