package org.airelab.kernels.activation;

import static org.airelab.kernels.Native.assertAsGoodAsPlain;
import static org.airelab.kernels.Native.normal;
import static org.airelab.kernels.Native.zeros;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.util.stream.Stream;
import org.airelab.kernels.Family;
import org.airelab.kernels.Native;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ActivationTest {
    static Stream<Family<Activation>> families() {
        return Stream.of(Activation.GELU, Activation.GELU_TANH, Activation.RELU);
    }

    @ParameterizedTest
    @MethodSource("families")
    void everyRungAgreesWithTheReference(Family<Activation> family) {
        for (var count : new int[] {1, 7, 8, 9, 15, 16, 17, 31, 33, 8191, 20_000}) {
            var x = normal(count, 1, 3);
            var dy = normal(count, 2, 1);
            var expected = zeros(count);
            var plain = zeros(count);
            family.reference().forward(x, expected, count);
            family.rungs().getFirst().forward(x, plain, count);
            var expectedSlope = zeros(count);
            var plainSlope = zeros(count);
            family.reference().backward(dy, x, expectedSlope, count);
            family.rungs().getFirst().backward(dy, x, plainSlope, count);
            for (var rung : family.rungs()) {
                var actual = zeros(count);
                rung.forward(x, actual, count);
                assertAsGoodAsPlain(expected, plain, actual, rung.name() + " forward " + count);
                rung.backward(dy, x, actual, count);
                assertAsGoodAsPlain(expectedSlope, plainSlope, actual, rung.name() + " backward " + count);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("families")
    void noSingleValueIsFarOff(Family<Activation> family) {
        var count = 4001;
        var x = zeros(count);
        for (var i = 0; i < count; i++) {
            Native.set(x, i, (i - 2000) / 200f);
        }
        var ones = zeros(count);
        for (var i = 0; i < count; i++) {
            Native.set(ones, i, 1);
        }
        for (var rung : family.rungs()) {
            var expected = zeros(count);
            var actual = zeros(count);
            family.reference().forward(x, expected, count);
            rung.forward(x, actual, count);
            assertWithin(expected, actual, 5e-7, rung.name());
            family.reference().backward(ones, x, expected, count);
            rung.backward(ones, x, actual, count);
            assertWithin(expected, actual, 3e-6, rung.name());
        }
    }

    @ParameterizedTest
    @MethodSource("families")
    void hugeValuesHaveTheirLimits(Family<Activation> family) {
        var huge = new float[] {1e10f, 1e14f, 1e20f, 1e30f, Float.MAX_VALUE};
        var x = zeros(2 * huge.length);
        var ones = zeros(2 * huge.length);
        for (var i = 0; i < huge.length; i++) {
            Native.set(x, 2 * i, huge[i]);
            Native.set(x, 2 * i + 1, -huge[i]);
            Native.set(ones, 2 * i, 1);
            Native.set(ones, 2 * i + 1, 1);
        }
        for (var rung : family.rungs()) {
            var y = zeros(2 * huge.length);
            var slope = zeros(2 * huge.length);
            rung.forward(x, y, 2 * huge.length);
            rung.backward(ones, x, slope, 2 * huge.length);
            for (var i = 0; i < huge.length; i++) {
                assertEquals(huge[i], Native.get(y, 2 * i), rung.name());
                assertEquals(0, Native.get(y, 2 * i + 1) + 0f, rung.name());
                assertEquals(1, Native.get(slope, 2 * i), rung.name() + " at " + huge[i]);
                assertEquals(0, Native.get(slope, 2 * i + 1) + 0f, rung.name() + " at -" + huge[i]);
            }
        }
    }

    private static void assertWithin(MemorySegment expected, MemorySegment actual,
            double tolerance, String what) {
        for (var i = 0; i < expected.byteSize() / 4; i++) {
            var e = Native.get(expected, i);
            assertEquals(e, Native.get(actual, i), tolerance * (1 + Math.abs(e)), what + " at " + i);
        }
    }

    @ParameterizedTest
    @MethodSource("families")
    void theReferencesGradientIsTheSlope(Family<Activation> family) {
        var x = Native.of(-4, -2.5f, -1, -0.3f, 0.4f, 1, 2.1f, 3.7f, 5);
        var ones = Native.of(1, 1, 1, 1, 1, 1, 1, 1, 1);
        var y = zeros(9);
        var dx = zeros(9);
        family.reference().backward(ones, x, dx, 9);
        Native.assertSlope(x, dx, () -> {
            family.reference().forward(x, y, 9);
            return Native.dot(y, ones);
        }, 1e-3);
    }

    @Test
    void publishedValues() {
        // torch.nn.functional.gelu at -3, -1, 0.5, 1, 2
        var x = Native.of(-3, -1, 0.5f, 1, 2);
        var exact = new double[] {-0.00404969, -0.15865526, 0.34573123, 0.84134475, 1.95449974};
        var tanh = new double[] {-0.00363739, -0.15880799, 0.34571400, 0.84119201, 1.95459769};
        var y = zeros(5);
        for (var i = 0; i < 5; i++) {
            for (var rung : Activation.GELU.rungs()) {
                rung.forward(x, y, 5);
                assertEquals(exact[i], Native.get(y, i), 2e-7, rung.name());
            }
            for (var rung : Activation.GELU_TANH.rungs()) {
                rung.forward(x, y, 5);
                assertEquals(tanh[i], Native.get(y, i), 2e-7, rung.name());
            }
        }
    }

    @ParameterizedTest
    @MethodSource("families")
    void largeValuesAndNan(Family<Activation> family) {
        for (var rung : family.rungs()) {
            var x = Native.of(1e6f, -1e6f, 60, -60, Float.NaN, Float.POSITIVE_INFINITY, 0, 1, 2);
            var y = zeros(9);
            rung.forward(x, y, 9);
            assertEquals(1e6f, Native.get(y, 0));
            assertEquals(0, Native.get(y, 1), 1e-30);
            assertEquals(60, Native.get(y, 2));
            assertEquals(0, Native.get(y, 3), 1e-30);
            assertTrue(Float.isNaN(Native.get(y, 4)));
            assertEquals(Float.POSITIVE_INFINITY, Native.get(y, 5));
            assertEquals(0, Native.get(y, 6));
            rung.backward(Native.of(1, 1, 1, 1, 1, 1, 1, 1, 1), x, y, 9);
            assertEquals(1, Native.get(y, 0));
            assertEquals(0, Native.get(y, 1), 1e-30);
            assertEquals(1, Native.get(y, 2));
            assertEquals(0, Native.get(y, 3), 1e-30);
        }
    }

    @ParameterizedTest
    @MethodSource("families")
    void worksInPlaceAndOnNothing(Family<Activation> family) {
        for (var rung : family.rungs()) {
            var x = normal(21, 1, 1);
            var expected = zeros(21);
            rung.forward(x, expected, 21);
            rung.forward(x, x, 21);
            assertEquals(0, Native.error(expected, x));
            rung.forward(zeros(0), zeros(0), 0);
            rung.backward(zeros(0), zeros(0), zeros(0), 0);
        }
    }

    @ParameterizedTest
    @MethodSource("families")
    void sizesAreChecked(Family<Activation> family) {
        for (var rung : family.rungs()) {
            assertThrows(IllegalArgumentException.class, () -> rung.forward(zeros(4), zeros(5), 4));
            assertThrows(IllegalArgumentException.class, () -> rung.backward(zeros(4), zeros(4), zeros(5), 4));
            assertThrows(IllegalArgumentException.class, () -> rung.forward(zeros(4), zeros(4), -1));
        }
    }
}
