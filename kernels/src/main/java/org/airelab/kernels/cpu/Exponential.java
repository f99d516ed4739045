package org.airelab.kernels.cpu;

import static jdk.incubator.vector.FloatVector.broadcast;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Exponentials of vectors. The argument is split into an integer and a remainder in [-1/2, 1/2] binary units, a
 * polynomial takes the remainder, and the integer goes straight into the exponent bits.
 *
 * <p>Constants are vectors made once: a broadcast in the middle of a loop costs nothing at run time, but brings its
 * caller closer to the size at which the compiler stops inlining. For the same reason the elements that a loop over
 * vectors leaves over have versions for one number, which give the very bits that a lane would.
 */
public final class Exponential {
    private static final VectorSpecies<Float> F = Lanes.FLOATS;
    private static final VectorSpecies<Float> WIDE = Lanes.WIDE;
    private static final FloatVector ZERO = FloatVector.zero(F);
    private static final FloatVector UNIT = broadcast(F, 1);
    private static final FloatVector TWO = broadcast(F, 2);
    private static final FloatVector INFINITY = broadcast(F, Float.POSITIVE_INFINITY);
    /**
     * Adding 1.5 * 2^23 rounds to an integer n, which then sits in the low bits of the sum. Adding 127 more, or 126,
     * makes them the exponent bits of 2^n, or of 2^(n - 1).
     */
    private static final float ROUNDING = 12582912;
    private static final float TO_POWER = ROUNDING + 127;
    private static final float TO_HALF_POWER = ROUNDING + 126;
    private static final FloatVector POWER = broadcast(F, TO_POWER);
    private static final FloatVector HALF_POWER = broadcast(F, TO_HALF_POWER);
    /** Bits of a float's fraction: the exponent begins there. */
    private static final int FRACTION = 23;

    private static final float LEAST = -86.6f;
    private static final float MOST = 88.72283f;
    private static final float BINARY = 1.44269504f;
    /** -ln 2 in two parts, the first with few enough bits that its multiples by an exponent are exact. */
    private static final float HIGH = -0.693359375f;
    private static final float LOW = 2.12194440e-4f;
    private static final float P2 = 5.0000001201e-1f;
    private static final float P3 = 1.6666665459e-1f;
    private static final float P4 = 4.1665795894e-2f;
    private static final float P5 = 8.3334519073e-3f;
    private static final float P6 = 1.3981999507e-3f;
    private static final float P7 = 1.9875691500e-4f;
    private static final FloatVector EXP_LEAST = broadcast(F, LEAST);
    private static final FloatVector EXP_MOST = broadcast(F, MOST);
    private static final FloatVector LOG2_E = broadcast(F, BINARY);
    private static final FloatVector LN2_HIGH = broadcast(F, HIGH);
    private static final FloatVector LN2_LOW = broadcast(F, LOW);
    private static final FloatVector EXP_2 = broadcast(F, P2);
    private static final FloatVector EXP_3 = broadcast(F, P3);
    private static final FloatVector EXP_4 = broadcast(F, P4);
    private static final FloatVector EXP_5 = broadcast(F, P5);
    private static final FloatVector EXP_6 = broadcast(F, P6);
    private static final FloatVector EXP_7 = broadcast(F, P7);

    private static final FloatVector EXP2_LEAST = broadcast(WIDE, -126);
    private static final FloatVector EXP2_1 = broadcast(WIDE, 0.6931471824645996f);
    private static final FloatVector EXP2_2 = broadcast(WIDE, 0.24022647738456726f);
    private static final FloatVector EXP2_3 = broadcast(WIDE, 0.055503323674201965f);
    private static final FloatVector EXP2_4 = broadcast(WIDE, 0.00961843691766262f);
    private static final FloatVector EXP2_5 = broadcast(WIDE, 0.0013398875016719103f);
    private static final FloatVector EXP2_6 = broadcast(WIDE, 0.00015353361959569156f);
    private static final FloatVector EXP2_NONE = FloatVector.zero(WIDE);
    private static final FloatVector EXP2_POWER = broadcast(WIDE, TO_POWER);

    private Exponential() {}

    /**
     * e^x within 1.5 units in the last place. Results below 2^-125 are 0; from 2^128 on infinity; NaN stays NaN.
     *
     * <p>Polynomial of Cephes' {@code expf} (S. Moshier).
     */
    public static FloatVector exp(FloatVector x) {
        // One exponent lower than needed and doubled at the end: 2^128 never appears by itself.
        var shifted = x.fma(LOG2_E, HALF_POWER);
        var n = shifted.sub(HALF_POWER);
        var r = n.fma(LN2_LOW, n.fma(LN2_HIGH, x));
        var p = r.fma(EXP_7, EXP_6).fma(r, EXP_5).fma(r, EXP_4).fma(r, EXP_3).fma(r, EXP_2).fma(r.mul(r), r);
        var scale = shifted.reinterpretAsInts().lanewise(VectorOperators.LSHL, FRACTION).reinterpretAsFloats();
        var y = p.fma(scale, scale).mul(TWO).blend(ZERO, x.compare(VectorOperators.LT, EXP_LEAST));
        return y.blend(INFINITY, x.compare(VectorOperators.GT, EXP_MOST));
    }

    /** {@link #exp(FloatVector)} of one number, to the bit. */
    public static float exp(float x) {
        if (x > MOST) {
            return Float.POSITIVE_INFINITY;
        }
        return x < LEAST ? 0 : 2 * scaled(x, TO_HALF_POWER);
    }

    /**
     * {@link #exp(FloatVector)} for x of at most 0, or NaN: without what overflow takes, which is one operation in
     * five. The same bits as of {@code exp}, from x = -86 on.
     */
    public static FloatVector expOfNegative(FloatVector x) {
        var shifted = x.fma(LOG2_E, POWER);
        var n = shifted.sub(POWER);
        var r = n.fma(LN2_LOW, n.fma(LN2_HIGH, x));
        var p = r.fma(EXP_7, EXP_6).fma(r, EXP_5).fma(r, EXP_4).fma(r, EXP_3).fma(r, EXP_2).fma(r.mul(r), r);
        var scale = shifted.reinterpretAsInts().lanewise(VectorOperators.LSHL, FRACTION).reinterpretAsFloats();
        return p.fma(scale, scale).blend(ZERO, x.compare(VectorOperators.LT, EXP_LEAST));
    }

    /** {@link #expOfNegative(FloatVector)} of one number, to the bit. */
    public static float expOfNegative(float x) {
        return x < LEAST ? 0 : scaled(x, TO_POWER);
    }

    /** e^x, or half of it, as the lanes get it by adding the same number. */
    private static float scaled(float x, float power) {
        var shifted = Math.fma(x, BINARY, power);
        var n = shifted - power;
        var r = Math.fma(n, LOW, Math.fma(n, HIGH, x));
        var p = Math.fma(r, P7, P6);
        p = Math.fma(p, r, P5);
        p = Math.fma(p, r, P4);
        p = Math.fma(p, r, P3);
        p = Math.fma(p, r, P2);
        p = Math.fma(p, r * r, r);
        var scale = Float.intBitsToFloat(Float.floatToRawIntBits(shifted) << FRACTION);
        return Math.fma(p, scale, scale);
    }

    /**
     * 2^x of {@link Lanes#WIDE} lanes, for x at most 127, within 1.25 units in the last place; below -126 the result is
     * 0; NaN stays NaN.
     *
     * <p>The polynomial is the minimax one of degree 5 for (2^f - 1) / f on [-1/2, 1/2]; relative error of 2^f 2e-8.
     */
    public static FloatVector exp2(FloatVector x) {
        var shifted = x.add(EXP2_POWER);
        var f = x.sub(shifted.sub(EXP2_POWER));
        var p = f.fma(EXP2_6, EXP2_5).fma(f, EXP2_4).fma(f, EXP2_3).fma(f, EXP2_2).fma(f, EXP2_1).mul(f);
        var scale = shifted.reinterpretAsInts().lanewise(VectorOperators.LSHL, FRACTION).reinterpretAsFloats();
        return p.fma(scale, scale).blend(EXP2_NONE, x.compare(VectorOperators.LT, EXP2_LEAST));
    }

    /** 1 / (1 + e^-x). */
    public static FloatVector sigmoid(FloatVector x) {
        return UNIT.div(exp(x.neg()).add(UNIT));
    }

    /** {@link #sigmoid(FloatVector)} of one number, to the bit. */
    public static float sigmoid(float x) {
        return 1 / (exp(-x) + 1);
    }
}
