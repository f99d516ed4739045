package org.airelab.kernels.cpu;

import static jdk.incubator.vector.FloatVector.broadcast;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Exponentials of vectors. The argument is split into an integer and a remainder in [-1/2, 1/2] binary units, a
 * polynomial takes the remainder, and the integer goes straight into the exponent bits.
 *
 * <p>Constants are vectors made once: a broadcast in the middle of a loop costs nothing at run time, but brings its
 * caller closer to the size at which the compiler stops inlining.
 */
public final class Exponential {
    private static final VectorSpecies<Float> F = Lanes.FLOATS;
    private static final VectorSpecies<Float> WIDE = Lanes.WIDE;
    private static final FloatVector ZERO = FloatVector.zero(F);
    private static final FloatVector UNIT = broadcast(F, 1);
    private static final FloatVector TWO = broadcast(F, 2);
    private static final FloatVector INFINITY = broadcast(F, Float.POSITIVE_INFINITY);
    /** Adding 1.5 * 2^23 rounds to an integer, which then sits in the low bits of the sum. */
    private static final FloatVector ROUND = broadcast(F, 12582912);
    private static final FloatVector LOG2_E = broadcast(F, 1.44269504f);
    /** -ln 2 in two parts, the first with few enough bits that its multiples by an exponent are exact. */
    private static final FloatVector LN2_HIGH = broadcast(F, -0.693359375f);
    private static final FloatVector LN2_LOW = broadcast(F, 2.12194440e-4f);
    /** The exponent bits of 1/2. */
    private static final IntVector HALF_BITS = IntVector.broadcast(IntVector.SPECIES_256, 126 << 23);

    private static final FloatVector EXP_LEAST = broadcast(F, -86.6f);
    private static final FloatVector EXP_MOST = broadcast(F, 88.72283f);
    private static final FloatVector EXP_2 = broadcast(F, 5.0000001201e-1f);
    private static final FloatVector EXP_3 = broadcast(F, 1.6666665459e-1f);
    private static final FloatVector EXP_4 = broadcast(F, 4.1665795894e-2f);
    private static final FloatVector EXP_5 = broadcast(F, 8.3334519073e-3f);
    private static final FloatVector EXP_6 = broadcast(F, 1.3981999507e-3f);
    private static final FloatVector EXP_7 = broadcast(F, 1.9875691500e-4f);

    private static final FloatVector EXP2_LEAST = broadcast(WIDE, -126);
    private static final FloatVector EXP2_1 = broadcast(WIDE, 0.6931471824645996f);
    private static final FloatVector EXP2_2 = broadcast(WIDE, 0.24022647738456726f);
    private static final FloatVector EXP2_3 = broadcast(WIDE, 0.055503323674201965f);
    private static final FloatVector EXP2_4 = broadcast(WIDE, 0.00961843691766262f);
    private static final FloatVector EXP2_5 = broadcast(WIDE, 0.0013398875016719103f);
    private static final FloatVector EXP2_6 = broadcast(WIDE, 0.00015353361959569156f);
    private static final FloatVector EXP2_NONE = FloatVector.zero(WIDE);
    private static final FloatVector EXP2_ROUND = broadcast(WIDE, 12582912);
    private static final IntVector EXP2_UNIT_BITS = IntVector.broadcast(Lanes.WIDE_INTS, 127 << 23);

    private Exponential() {}

    /**
     * e^x within 1.5 units in the last place. Results below 2^-125 are 0; from 2^128 on infinity; NaN stays NaN.
     *
     * <p>Polynomial of Cephes' {@code expf} (S. Moshier).
     */
    public static FloatVector exp(FloatVector x) {
        var shifted = x.fma(LOG2_E, ROUND);
        var n = shifted.sub(ROUND);
        var r = n.fma(LN2_LOW, n.fma(LN2_HIGH, x));
        var p = r.fma(EXP_7, EXP_6).fma(r, EXP_5).fma(r, EXP_4).fma(r, EXP_3).fma(r, EXP_2).fma(r.mul(r), r);
        // One exponent lower than needed and doubled at the end: 2^128 never appears by itself.
        var scale = shifted.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23).add(HALF_BITS).reinterpretAsFloats();
        var y = p.fma(scale, scale).mul(TWO).blend(ZERO, x.compare(VectorOperators.LT, EXP_LEAST));
        return y.blend(INFINITY, x.compare(VectorOperators.GT, EXP_MOST));
    }

    /**
     * 2^x of {@link Lanes#WIDE} lanes, for x at most 127, within 1.25 units in the last place; below -126 the result is
     * 0; NaN stays NaN.
     *
     * <p>The polynomial is the minimax one of degree 5 for (2^f - 1) / f on [-1/2, 1/2]; relative error of 2^f 2e-9.
     */
    public static FloatVector exp2(FloatVector x) {
        var shifted = x.add(EXP2_ROUND);
        var f = x.sub(shifted.sub(EXP2_ROUND));
        var p = f.fma(EXP2_6, EXP2_5).fma(f, EXP2_4).fma(f, EXP2_3).fma(f, EXP2_2).fma(f, EXP2_1).mul(f);
        var bits = shifted.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23).add(EXP2_UNIT_BITS);
        var scale = bits.reinterpretAsFloats();
        return p.fma(scale, scale).blend(EXP2_NONE, x.compare(VectorOperators.LT, EXP2_LEAST));
    }

    /** 1 / (1 + e^-x). */
    public static FloatVector sigmoid(FloatVector x) {
        return UNIT.div(exp(x.neg()).add(UNIT));
    }
}
