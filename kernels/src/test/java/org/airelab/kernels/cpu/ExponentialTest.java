package org.airelab.kernels.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.function.DoubleUnaryOperator;
import java.util.function.UnaryOperator;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;
import org.junit.jupiter.api.Test;

class ExponentialTest {
    @Test
    void expIsWithinOneAndAHalfUnits() {
        assertUnits(Lanes.FLOATS, Exponential::exp, Math::exp, -86.6f, 88.722f, 1.5);
    }

    @Test
    void exp2IsWithinOneAndAQuarterUnits() {
        assertUnits(Lanes.WIDE, Exponential::exp2, x -> Math.pow(2, x), -126, 127, 1.25);
    }

    @Test
    void sigmoidIsWithinThreeUnits() {
        assertUnits(Lanes.FLOATS, Exponential::sigmoid, x -> 1 / (1 + Math.exp(-x)), -86, 88, 3);
    }

    @Test
    void expOfNegativeHasTheBitsOfExp() {
        for (var x = -86f; x <= 0; x += 0x1p-9f) {
            var vector = Lanes.broadcast(x);
            assertEquals(Exponential.exp(vector).lane(2), Exponential.expOfNegative(vector).lane(2), "e^" + x);
        }
        for (var x : new float[] {-86.7f, -1e30f, Float.NEGATIVE_INFINITY, Float.NaN, -0f}) {
            assertEquals(Exponential.exp(Lanes.broadcast(x)).lane(1),
                    Exponential.expOfNegative(Lanes.broadcast(x)).lane(1), "e^" + x);
        }
    }

    @Test
    void oneNumberHasTheBitsOfALane() {
        for (var x = -90f; x <= 90; x += 0x1p-9f) {
            assertLane(x);
        }
        for (var x : new float[] {Float.NEGATIVE_INFINITY, Float.POSITIVE_INFINITY, Float.NaN, -0f, 1e-30f, -86.6f,
            88.72283f, Float.MAX_VALUE}) {
            assertLane(x);
        }
    }

    private static void assertLane(float x) {
        var vector = Lanes.broadcast(x);
        assertEquals(Exponential.exp(vector).lane(0), Exponential.exp(x), "e^" + x);
        assertEquals(Exponential.sigmoid(vector).lane(0), Exponential.sigmoid(x), "sigmoid of " + x);
        if (!(x > 0)) {
            assertEquals(Exponential.expOfNegative(vector).lane(0), Exponential.expOfNegative(x), "e^" + x);
        }
    }

    private static void assertUnits(VectorSpecies<Float> species, UnaryOperator<FloatVector> actual,
            DoubleUnaryOperator exact, float from, float to, double units) {
        var step = (to - from) / 400_010;
        for (var i = 0; i < 50_000; i++) {
            var x = FloatVector.broadcast(species, from).add(
                    FloatVector.zero(species).addIndex(1).add(8 * i).mul(step));
            var y = actual.apply(x);
            for (var lane = 0; lane < species.length(); lane++) {
                var expected = exact.applyAsDouble(x.lane(lane));
                var off = Math.abs(y.lane(lane) - expected) / Math.ulp((float) expected);
                assertTrue(off <= units, "at " + x.lane(lane) + ": " + off + " units");
            }
        }
    }

    @Test
    void expOfSpecialValues() {
        assertExp(1, 0);
        assertExp(1, -0f);
        assertExp(0, Float.NEGATIVE_INFINITY);
        assertExp(0, -1e30f);
        assertExp(0, -104);
        assertExp(Float.POSITIVE_INFINITY, Float.POSITIVE_INFINITY);
        assertExp(Float.POSITIVE_INFINITY, 1e30f);
        assertExp(Float.POSITIVE_INFINITY, 89);
        assertExp(Float.NaN, Float.NaN);
        assertExp(Float.NaN, Float.intBitsToFloat(0x7fc00001));
        assertExp(Float.NaN, Float.intBitsToFloat(0xffc12345));
        assertTrue(Exponential.exp(Lanes.broadcast(88.72f)).lane(3) > 3.38e38f);
    }

    private static void assertExp(float expected, float x) {
        assertEquals(expected, Exponential.exp(Lanes.broadcast(x)).lane(5), "e^" + x);
    }

    @Test
    void exp2OfSpecialValues() {
        assertEquals(1, Exponential.exp2(wide(0f)).lane(0));
        assertEquals(Float.MIN_NORMAL, Exponential.exp2(wide(-126f)).lane(0));
        assertEquals(0, Exponential.exp2(wide(-127f)).lane(0));
        assertEquals(0, Exponential.exp2(wide(-1e30f)).lane(0));
        assertEquals(0, Exponential.exp2(wide(Float.NEGATIVE_INFINITY)).lane(0));
        assertEquals(Float.NaN, Exponential.exp2(wide(Float.NaN)).lane(0));
        assertEquals(Float.NaN, Exponential.exp2(wide(Float.intBitsToFloat(0x7fc00123))).lane(0));
    }

    private static FloatVector wide(float value) {
        return FloatVector.broadcast(Lanes.WIDE, value);
    }
}
