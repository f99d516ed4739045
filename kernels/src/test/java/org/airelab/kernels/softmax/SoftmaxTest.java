package org.airelab.kernels.softmax;

import static org.airelab.kernels.Native.assertAsGoodAsPlain;
import static org.airelab.kernels.Native.normal;
import static org.airelab.kernels.Native.zeros;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.function.DoubleSupplier;
import org.airelab.kernels.Native;
import org.junit.jupiter.api.Test;

class SoftmaxTest {
    private static final Softmax REFERENCE = Softmax.FAMILY.reference();

    @Test
    void everyRungAgreesWithTheReference() {
        var plain = Softmax.FAMILY.rungs().getFirst();
        for (var width : Native.AWKWARD) {
            var size = 5 * width;
            var x = normal(size, 1, 4);
            var dy = normal(size, 2, 1);
            var y = zeros(size);
            var dx = zeros(size);
            var plainY = zeros(size);
            var plainDx = zeros(size);
            REFERENCE.forward(x, y, 5, width);
            REFERENCE.backward(dy, y, dx, 5, width);
            plain.forward(x, plainY, 5, width);
            plain.backward(dy, y, plainDx, 5, width);
            for (var rung : Softmax.FAMILY.rungs()) {
                var actualY = zeros(size);
                var actualDx = zeros(size);
                rung.forward(x, actualY, 5, width);
                rung.backward(dy, y, actualDx, 5, width);
                assertAsGoodAsPlain(y, plainY, actualY, rung.name() + " width " + width + " y");
                if (width > 1) { // with one element the gradient is the difference of equals
                    assertAsGoodAsPlain(dx, plainDx, actualDx, rung.name() + " width " + width + " dx");
                }
            }
        }
    }

    @Test
    void rowsSumToOneAndAConstantChangesNothing() {
        for (var rung : Softmax.FAMILY.rungs()) {
            var x = normal(3 * 77, 3, 5);
            var y = zeros(3 * 77);
            rung.forward(x, y, 3, 77);
            for (var row = 0; row < 3; row++) {
                var sum = 0.0;
                for (var i = 0; i < 77; i++) {
                    sum += Native.get(y, row * 77 + i);
                }
                assertEquals(1, sum, 1e-6);
            }
            for (var i = 0; i < 3 * 77; i++) {
                Native.set(x, i, Native.get(x, i) + 64);
            }
            var shifted = zeros(3 * 77);
            rung.forward(x, shifted, 3, 77);
            // Adding 64 costs the values up to 2^-18 of rounding.
            assertTrue(Native.error(y, shifted) < 1e-5);
        }
    }

    @Test
    void theReferencesGradientIsTheSlope() {
        var x = normal(3 * 7, 1, 1);
        var dy = normal(3 * 7, 2, 1);
        var y = zeros(3 * 7);
        var dx = zeros(3 * 7);
        REFERENCE.forward(x, y, 3, 7);
        REFERENCE.backward(dy, y, dx, 3, 7);
        DoubleSupplier loss = () -> {
            REFERENCE.forward(x, y, 3, 7);
            return Native.dot(y, dy);
        };
        Native.assertSlope(x, dx, loss, 1e-3);
    }

    @Test
    void worksInPlace() {
        var y = zeros(4 * 19);
        var dx = zeros(4 * 19);
        REFERENCE.forward(normal(4 * 19, 1, 2), y, 4, 19);
        REFERENCE.backward(normal(4 * 19, 2, 1), y, dx, 4, 19);
        for (var rung : Softmax.FAMILY.rungs()) {
            var x = normal(4 * 19, 1, 2);
            var dy = normal(4 * 19, 2, 1);
            rung.forward(x, x, 4, 19);
            rung.backward(dy, x, dy, 4, 19);
            assertTrue(Native.error(y, x) < 1e-6);
            assertTrue(Native.error(dx, dy) < 1e-6);
        }
    }

    @Test
    void nonFiniteValuesAsTheReference() {
        var width = 21;
        var x = normal(5 * width, 1, 1);
        Native.set(x, width + 3, Float.NaN);
        Native.set(x, 2 * width + 20, Float.POSITIVE_INFINITY);
        Native.set(x, 3 * width + 9, Float.NEGATIVE_INFINITY);
        for (var i = 0; i < width; i++) {
            Native.set(x, 4 * width + i, Float.NEGATIVE_INFINITY);
        }
        for (var rung : Softmax.FAMILY.rungs()) {
            var y = zeros(5 * width);
            rung.forward(x, y, 5, width);
            for (var i = 0; i < 5 * width; i++) {
                var row = i / width;
                assertEquals(row == 1 || row == 2 || row == 4, Float.isNaN(Native.get(y, i)), rung.name() + " " + i);
            }
            assertEquals(0, Native.get(y, 3 * width + 9));
        }
    }

    @Test
    void sizesAreChecked() {
        for (var rung : Softmax.FAMILY.rungs()) {
            assertThrows(IllegalArgumentException.class, () -> rung.forward(zeros(8), zeros(7), 2, 4));
            assertThrows(IllegalArgumentException.class, () -> rung.forward(zeros(0), zeros(0), 2, 0));
            assertThrows(IllegalArgumentException.class, () -> rung.backward(zeros(8), zeros(8), zeros(9), 2, 4));
            assertThrows(IllegalArgumentException.class, () -> rung.forward(zeros(8), zeros(8), -2, -4));
        }
    }
}
