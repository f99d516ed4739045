package org.airelab.kernels.activation;

import static org.airelab.kernels.Native.assertAsGoodAsPlain;
import static org.airelab.kernels.Native.normal;
import static org.airelab.kernels.Native.zeros;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.airelab.kernels.Native;
import org.junit.jupiter.api.Test;

class SwiGluTest {
    private static final SwiGlu REFERENCE = SwiGlu.FAMILY.reference();

    @Test
    void everyRungAgreesWithTheReference() {
        for (var hidden : Native.AWKWARD) {
            var rows = 5;
            var gateUp = normal(2L * rows * hidden, 1, 3);
            var dy = normal((long) rows * hidden, 2, 1);
            var expected = zeros((long) rows * hidden);
            var plain = zeros((long) rows * hidden);
            var expectedSlope = zeros(2L * rows * hidden);
            var plainSlope = zeros(2L * rows * hidden);
            REFERENCE.forward(gateUp, expected, rows, hidden);
            SwiGlu.FAMILY.rungs().getFirst().forward(gateUp, plain, rows, hidden);
            REFERENCE.backward(dy, gateUp, expectedSlope, rows, hidden);
            SwiGlu.FAMILY.rungs().getFirst().backward(dy, gateUp, plainSlope, rows, hidden);
            for (var rung : SwiGlu.FAMILY.rungs()) {
                var y = zeros((long) rows * hidden);
                rung.forward(gateUp, y, rows, hidden);
                assertAsGoodAsPlain(expected, plain, y, rung.name() + " forward " + hidden);
                var slope = zeros(2L * rows * hidden);
                rung.backward(dy, gateUp, slope, rows, hidden);
                assertAsGoodAsPlain(expectedSlope, plainSlope, slope, rung.name() + " backward " + hidden);
                var inPlace = Native.copy(gateUp);
                rung.backward(dy, inPlace, inPlace, rows, hidden);
                assertEquals(0, Native.error(slope, inPlace));
            }
        }
    }

    @Test
    void theReferencesGradientIsTheSlope() {
        var gateUp = normal(2 * 3 * 7, 1, 1);
        var dy = normal(3 * 7, 2, 1);
        var y = zeros(3 * 7);
        var gradient = zeros(2 * 3 * 7);
        REFERENCE.backward(dy, gateUp, gradient, 3, 7);
        Native.assertSlope(gateUp, gradient, () -> {
            REFERENCE.forward(gateUp, y, 3, 7);
            return Native.dot(y, dy);
        }, 1e-3);
    }

    @Test
    void extremeGates() {
        for (var rung : SwiGlu.FAMILY.rungs()) {
            // gates, then up
            var gateUp = Native.of(500, -500, 0, Float.NaN, 2, 2, 2, 2);
            var y = zeros(4);
            rung.forward(gateUp, y, 1, 4);
            assertEquals(1000, Native.get(y, 0));
            assertEquals(0, Native.get(y, 1), 1e-30);
            assertEquals(0, Native.get(y, 2));
            assertTrue(Float.isNaN(Native.get(y, 3)));
            var slope = zeros(8);
            rung.backward(Native.of(1, 1, 1, 1), gateUp, slope, 1, 4);
            assertEquals(2, Native.get(slope, 0));
            assertEquals(0, Native.get(slope, 1), 1e-30);
            assertEquals(1, Native.get(slope, 2));
            assertEquals(500, Native.get(slope, 4));
        }
    }

    @Test
    void sizesAreChecked() {
        for (var rung : SwiGlu.FAMILY.rungs()) {
            assertThrows(IllegalArgumentException.class, () -> rung.forward(zeros(8), zeros(8), 2, 4));
            assertThrows(IllegalArgumentException.class, () -> rung.forward(zeros(16), zeros(7), 2, 4));
            assertThrows(IllegalArgumentException.class, () -> rung.backward(zeros(8), zeros(16), zeros(8), 2, 4));
            rung.forward(zeros(0), zeros(0), 0, 4);
        }
    }
}
