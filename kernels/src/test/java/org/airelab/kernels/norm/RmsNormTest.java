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

class RmsNormTest {
    private static final float EPS = 1e-5f;
    private static final RmsNorm REFERENCE = RmsNorm.FAMILY.reference();

    private record Result(MemorySegment y, MemorySegment rstd, MemorySegment dx, MemorySegment dWeight) {}

    private static Result run(RmsNorm norm, int rows, int width) {
        var size = (long) rows * width;
        return run(norm, rows, normal(size, 1, 2), normal(width, 2, 1), normal(size, 3, 1));
    }

    private static Result run(RmsNorm norm, int rows, MemorySegment x, MemorySegment weight, MemorySegment dy) {
        var width = (int) (weight.byteSize() / 4);
        var result = new Result(zeros((long) rows * width), zeros(rows), zeros((long) rows * width), zeros(width));
        norm.forward(x, weight, result.y, result.rstd, rows, width, EPS);
        result.dWeight.fill((byte) 77); // overwritten, not added to
        norm.backward(dy, x, weight, result.rstd, result.dx, result.dWeight, rows, width);
        return result;
    }

    @Test
    void everyRungAgreesWithTheReference() {
        for (var width : Native.AWKWARD) {
            for (var rows : new int[] {1, 3, 33}) {
                var expected = run(REFERENCE, rows, width);
                var plain = run(RmsNorm.FAMILY.rungs().getFirst(), rows, width);
                for (var rung : RmsNorm.FAMILY.rungs()) {
                    var actual = run(rung, rows, width);
                    var what = rung.name() + " [" + rows + ", " + width + "]";
                    assertAsGoodAsPlain(expected.y, plain.y, actual.y, what + " y");
                    assertAsGoodAsPlain(expected.rstd, plain.rstd, actual.rstd, what + " rstd");
                    if (width > 1) { // with one element the gradient is the difference of equals
                        assertAsGoodAsPlain(expected.dx, plain.dx, actual.dx, what + " dx");
                    }
                    assertAsGoodAsPlain(expected.dWeight, plain.dWeight, actual.dWeight, what + " dWeight");
                }
            }
        }
    }

    @Test
    void rowsHaveUnitRootMeanSquare() {
        var rows = 4;
        var width = 288;
        var ones = zeros(width);
        for (var i = 0; i < width; i++) {
            Native.set(ones, i, 1);
        }
        for (var rung : RmsNorm.FAMILY.rungs()) {
            var y = zeros(rows * width);
            rung.forward(normal(rows * width, 5, 3), ones, y, zeros(rows), rows, width, 0);
            for (var row = 0; row < rows; row++) {
                var slice = y.asSlice(4L * row * width, 4L * width);
                assertEquals(1, Native.dot(slice, slice) / width, 1e-5);
            }
        }
    }

    @Test
    void theReferencesGradientIsTheSlope() {
        var rows = 3;
        var width = 9;
        var x = normal(rows * width, 1, 1);
        var weight = normal(width, 2, 1);
        var dy = normal(rows * width, 3, 1);
        var y = zeros(rows * width);
        var rstd = zeros(rows);
        var dx = zeros(rows * width);
        var dWeight = zeros(width);
        REFERENCE.forward(x, weight, y, rstd, rows, width, EPS);
        REFERENCE.backward(dy, x, weight, rstd, dx, dWeight, rows, width);
        DoubleSupplier loss = () -> {
            REFERENCE.forward(x, weight, y, rstd, rows, width, EPS);
            return Native.dot(y, dy);
        };
        Native.assertSlope(x, dx, loss, 2e-3);
        Native.assertSlope(weight, dWeight, loss, 2e-3);
    }

    @Test
    void worksInPlace() {
        var expected = run(REFERENCE, 5, 17);
        for (var rung : RmsNorm.FAMILY.rungs()) {
            var x = normal(5 * 17, 1, 2);
            var weight = normal(17, 2, 1);
            var dy = normal(5 * 17, 3, 1);
            var rstd = zeros(5);
            var original = Native.copy(x);
            rung.forward(x, weight, x, rstd, 5, 17, EPS);
            rung.backward(dy, original, weight, rstd, dy, zeros(17), 5, 17);
            assertTrue(Native.error(expected.y, x) < 1e-6);
            assertTrue(Native.error(expected.dx, dy) < 1e-6);
        }
    }

    @Test
    void nanStaysInItsRow() {
        for (var rung : RmsNorm.FAMILY.rungs()) {
            var x = normal(3 * 9, 1, 1);
            Native.set(x, 9 + 4, Float.NaN);
            var y = zeros(3 * 9);
            rung.forward(x, normal(9, 2, 1), y, zeros(3), 3, 9, EPS);
            for (var i = 0; i < 27; i++) {
                assertEquals(i / 9 == 1, Float.isNaN(Native.get(y, i)), rung.name() + " " + i);
            }
        }
    }

    @Test
    void nanAndInfinitiesPropagateAsInTheReference() {
        var rows = 3;
        var width = 33;
        for (var value : new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY}) {
            for (var bad = 0; bad < 3; bad++) {
                for (var column : new int[] {4, width - 1}) { // within a vector, and after the last whole one
                    var inputs = new MemorySegment[] {normal(rows * width, 1, 2), normal(width, 2, 1),
                        normal(rows * width, 3, 1)};
                    Native.set(inputs[bad], bad == 1 ? column : width + column, value);
                    var expected = run(REFERENCE, rows, inputs[0], inputs[1], inputs[2]);
                    for (var rung : RmsNorm.FAMILY.rungs()) {
                        var actual = run(rung, rows, inputs[0], inputs[1], inputs[2]);
                        var what = rung.name() + " with " + value + " in input " + bad;
                        Native.assertSameSpecials(expected.y, actual.y, what + ", y");
                        Native.assertSameSpecials(expected.rstd, actual.rstd, what + ", rstd");
                        Native.assertSameSpecials(expected.dx, actual.dx, what + ", dx");
                        Native.assertSameSpecials(expected.dWeight, actual.dWeight, what + ", dWeight");
                    }
                }
            }
        }
    }

    @Test
    void noRowsGiveNoGradient() {
        for (var rung : RmsNorm.FAMILY.rungs()) {
            var dWeight = normal(4, 1, 1);
            rung.backward(zeros(0), zeros(0), zeros(4), zeros(0), zeros(0), dWeight, 0, 4);
            assertArrayEquals(new float[4], Native.array(dWeight));
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
        for (var rung : RmsNorm.FAMILY.rungs()) {
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
            rung.forwardOfSum(x, added, added, weight, y, rstd, rows, width, EPS);
            rung.backwardOfSum(dy, dSum, added, weight, rstd, dx, dWeight, rows, width);
            rung.forward(sum, weight, plainY, zeros(rows), rows, width, EPS);
            rung.backward(dy, sum, weight, rstd, plainDx, plainDWeight, rows, width);
            for (var i = 0; i < rows * width; i++) {
                Native.set(plainDx, i, Native.get(plainDx, i) + Native.get(dSum, i));
            }
            assertArrayEquals(Native.array(sum), Native.array(added), rung.name());
            assertArrayEquals(Native.array(plainY), Native.array(y), rung.name());
            assertArrayEquals(Native.array(plainDx), Native.array(dx), rung.name());
            assertArrayEquals(Native.array(plainDWeight), Native.array(dWeight), rung.name());
            assertThrows(IllegalArgumentException.class, () -> rung.forwardOfSum(x, zeros(7), sum, weight, y, rstd,
                    rows, width, EPS));
            assertThrows(IllegalArgumentException.class, () -> rung.backwardOfSum(dy, zeros(7), sum, weight, rstd, dx,
                    dWeight, rows, width));
        }
    }

    @Test
    void sizesAreChecked() {
        for (var rung : RmsNorm.FAMILY.rungs()) {
            assertThrows(IllegalArgumentException.class,
                    () -> rung.forward(zeros(8), zeros(4), zeros(8), zeros(3), 2, 4, EPS));
            assertThrows(IllegalArgumentException.class,
                    () -> rung.forward(zeros(8), zeros(5), zeros(8), zeros(2), 2, 4, EPS));
            assertThrows(IllegalArgumentException.class,
                    () -> rung.forward(zeros(0), zeros(0), zeros(0), zeros(2), 2, 0, EPS));
            assertThrows(IllegalArgumentException.class,
                    () -> rung.backward(zeros(8), zeros(8), zeros(4), zeros(2), zeros(7), zeros(4), 2, 4));
        }
    }

    @Test
    void threadsDoNotMatter() {
        Native.assertThreadsDoNotMatter(threads -> Native.array(run(RmsNorm.FAMILY.fastest(), 700, 65).dWeight));
    }
}
