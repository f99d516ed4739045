package org.airelab.kernels.rotary;

import static org.airelab.kernels.Native.assertAsGoodAsPlain;
import static org.airelab.kernels.Native.normal;
import static org.airelab.kernels.Native.zeros;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.airelab.kernels.Native;
import org.airelab.kernels.rotary.RotaryTable.Pairing;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class RotaryTest {
    private static final int[] SIZES = {2, 4, 6, 8, 10, 16, 24, 48, 64};

    @ParameterizedTest
    @EnumSource(Pairing.class)
    void everyRungAgreesWithTheReferenceAndTurnsBack(Pairing pairing) {
        for (var size : SIZES) {
            var table = new RotaryTable(20, size, 10_000, pairing);
            var rows = 3 * 17;
            var width = 5 * size;
            var x = normal((long) rows * width, 1, 1);
            var expected = zeros((long) rows * width);
            var plain = zeros((long) rows * width);
            Rotary.FAMILY.reference().rotate(table, x, expected, rows, 17, 3, 5, false);
            Rotary.FAMILY.rungs().getFirst().rotate(table, x, plain, rows, 17, 3, 5, false);
            for (var rung : Rotary.FAMILY.rungs()) {
                var actual = zeros((long) rows * width);
                rung.rotate(table, x, actual, rows, 17, 3, 5, false);
                assertAsGoodAsPlain(expected, plain, actual, rung.name() + " " + size);
                for (var row = 0; row < rows; row++) { // the last two heads are copied
                    var from = 4L * (row * width + 3 * size);
                    assertEquals(-1, actual.asSlice(from, 8L * size).mismatch(x.asSlice(from, 8L * size)));
                }
                var inPlace = Native.copy(x);
                rung.rotate(table, inPlace, inPlace, rows, 17, 3, 5, false);
                assertEquals(-1, actual.mismatch(inPlace));
                rung.rotate(table, inPlace, inPlace, rows, 17, 3, 5, true);
                assertTrue(Native.error(x, inPlace) < 2e-7, rung.name() + " does not turn back");
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Pairing.class)
    void nanAndInfinitiesPropagateAsInTheReference(Pairing pairing) {
        for (var size : SIZES) {
            var table = new RotaryTable(5, size, 10_000, pairing);
            for (var value : new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY}) {
                for (var inverse : new boolean[] {false, true}) {
                    var x = normal(5 * 3 * size, 1, 1);
                    for (var row = 0; row < 5; row++) { // at position 0 an infinity is multiplied by a sine of 0
                        Native.set(x, row * 3 * size + row % size, value);
                        Native.set(x, row * 3 * size + 3 * size - 1, value); // copied
                    }
                    var expected = zeros(5 * 3 * size);
                    Rotary.FAMILY.reference().rotate(table, x, expected, 5, 5, 2, 3, inverse);
                    for (var rung : Rotary.FAMILY.rungs()) {
                        var actual = zeros(5 * 3 * size);
                        rung.rotate(table, x, actual, 5, 5, 2, 3, inverse);
                        Native.assertSameSpecials(expected, actual, rung.name() + " " + size + " with " + value);
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Pairing.class)
    void productsDependOnTheDistanceAlone(Pairing pairing) {
        var table = new RotaryTable(100, 8, 10_000, pairing);
        var pair = normal(8, 1, 1);
        for (var rung : Rotary.FAMILY.rungs()) {
            var x = zeros(100 * 8);
            for (var row = 0; row < 100; row++) {
                x.asSlice(32L * row, 32).copyFrom(pair);
            }
            rung.rotate(table, x, x, 100, 100, 1, 1, false);
            var near = Native.dot(x.asSlice(32L * 3, 32), x.asSlice(32L * 10, 32));
            var far = Native.dot(x.asSlice(32L * 83, 32), x.asSlice(32L * 90, 32));
            assertEquals(near, far, 1e-5);
        }
    }

    @Test
    void positionOneTurnsByOneRadian() {
        for (var rung : Rotary.FAMILY.rungs()) {
            var x = Native.of(1, 0, 1, 0);
            var y = zeros(4);
            rung.rotate(new RotaryTable(2, 2, 10_000, Pairing.INTERLEAVED), x, y, 2, 2, 1, 1, false);
            assertArrayEquals(new float[] {1, 0, (float) Math.cos(1), (float) Math.sin(1)}, Native.array(y), 1e-7f);
        }
    }

    @Test
    void frequenciesOfTheirOwn() {
        var usual = new RotaryTable(9, 8, 100, Pairing.HALF_SPLIT);
        var same = new RotaryTable(9, new double[] {1, Math.pow(100, -0.25), 0.1, Math.pow(100, -0.75)},
                Pairing.HALF_SPLIT);
        assertTrue(Native.error(usual.cosines(), same.cosines()) < 1e-7);
        assertTrue(Native.error(usual.sines(), same.sines()) < 1e-7);
    }

    @ParameterizedTest
    @EnumSource(Pairing.class)
    void rowsMayBeAtOtherPositions(Pairing pairing) {
        var table = new RotaryTable(9, 8, 10_000, pairing);
        var x = normal(9 * 8, 1, 1);
        var whole = zeros(9 * 8);
        Rotary.FAMILY.reference().rotate(table, x, whole, 9, 9, 1, 1, false);
        var positions = new int[] {2, 3, 7, 0};
        var chosen = zeros(4 * 8);
        var expected = zeros(4 * 8);
        for (var i = 0; i < 4; i++) {
            chosen.asSlice(32L * i, 32).copyFrom(x.asSlice(32L * positions[i], 32));
            expected.asSlice(32L * i, 32).copyFrom(whole.asSlice(32L * positions[i], 32));
        }
        Rotary.FAMILY.reference().rotate(table.at(positions), chosen, chosen, 4, 4, 1, 1, false);
        assertEquals(-1, expected.mismatch(chosen));
        assertThrows(IndexOutOfBoundsException.class, () -> table.at(9));
        assertThrows(IllegalArgumentException.class, () -> table.at());
    }

    @Test
    void argumentsAreChecked() {
        var table = new RotaryTable(4, 8, 10_000, Pairing.INTERLEAVED);
        for (var rung : Rotary.FAMILY.rungs()) {
            assertThrows(IllegalArgumentException.class,
                    () -> rung.rotate(table, zeros(40), zeros(40), 5, 5, 1, 1, false)); // beyond the table
            assertThrows(IllegalArgumentException.class,
                    () -> rung.rotate(table, zeros(32), zeros(32), 4, 4, 2, 1, false));
            assertThrows(IllegalArgumentException.class,
                    () -> rung.rotate(table, zeros(32), zeros(31), 4, 4, 1, 1, false));
        }
        assertThrows(IllegalArgumentException.class, () -> new RotaryTable(4, 7, 10_000, Pairing.INTERLEAVED));
        assertThrows(IllegalArgumentException.class, () -> new RotaryTable(4, 8, 0, Pairing.INTERLEAVED));
        assertThrows(IllegalArgumentException.class, () -> new RotaryTable(0, 8, 10_000, Pairing.INTERLEAVED));
    }
}
