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
