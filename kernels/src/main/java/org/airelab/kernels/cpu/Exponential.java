package org.airelab.kernels.cpu;

import static org.airelab.kernels.cpu.Lanes.broadcast;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Exponentials of eight lanes. The argument is split into an integer and a remainder in [-1/2, 1/2] binary units, a
 * polynomial takes the remainder, and the integer goes straight into the exponent bits.
 */
public final class Exponential {
    /** Adding 1.5 * 2^23 rounds to an integer, which then sits in the low bits of the sum. */
    private static final float ROUND = 12582912f;
    private static final float LOG2_E = 1.44269504f;
    /** ln 2 in two parts, the first with few enough bits that its multiples by an exponent are exact. */
    private static final float LN2_HIGH = 0.693359375f;
    private static final float LN2_LOW = -2.12194440e-4f;
    /** Exponents are kept one lower than needed and doubled at the end, so that 2^128 never appears by itself. */
    private static final int HALF = 126 << 23;
    private static final int ONE = 127 << 23;

    private Exponential() {}

    /**
     * e^x within 1.5 units in the last place. Results below 2^-125 are 0; from 2^128 on infinity; NaN stays NaN.
     *
     * <p>Polynomial of Cephes' {@code expf} (S. Moshier).
     */
    public static FloatVector exp(FloatVector x) {
        var shifted = x.fma(broadcast(LOG2_E), broadcast(ROUND));
        var n = shifted.sub(ROUND);
        var r = n.fma(broadcast(-LN2_LOW), n.fma(broadcast(-LN2_HIGH), x));
        var p = r.fma(broadcast(1.9875691500e-4f), broadcast(1.3981999507e-3f));
        p = p.fma(r, broadcast(8.3334519073e-3f));
        p = p.fma(r, broadcast(4.1665795894e-2f));
        p = p.fma(r, broadcast(1.6666665459e-1f));
        p = p.fma(r, broadcast(5.0000001201e-1f));
        p = p.fma(r.mul(r), r);
        var scale = shifted.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23).add(HALF).reinterpretAsFloats();
        var y = p.fma(scale, scale).mul(2f);
        y = y.blend(0f, x.compare(VectorOperators.LT, -86.6f));
        return y.blend(Float.POSITIVE_INFINITY, x.compare(VectorOperators.GT, 88.72283f));
    }

    /**
     * 2^x for x at most 127, within 1.25 units in the last place; below -126 the result is 0; NaN stays NaN.
     *
     * <p>The polynomial is the minimax one of degree 5 for (2^f - 1) / f on [-1/2, 1/2]; relative error of 2^f 2e-9.
     */
    public static FloatVector exp2(FloatVector x) {
        var shifted = x.add(ROUND);
        var f = x.sub(shifted.sub(ROUND));
        var p = f.fma(broadcast(0.00015353361959569156f), broadcast(0.0013398875016719103f));
        p = p.fma(f, broadcast(0.00961843691766262f));
        p = p.fma(f, broadcast(0.055503323674201965f));
        p = p.fma(f, broadcast(0.24022647738456726f));
        p = p.fma(f, broadcast(0.6931471824645996f));
        var scale = shifted.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23).add(ONE).reinterpretAsFloats();
        var y = p.mul(f).fma(scale, scale);
        return y.blend(0f, x.compare(VectorOperators.LT, -126f));
    }

    /** 1 / (1 + e^-x). */
    public static FloatVector sigmoid(FloatVector x) {
        return broadcast(1f).div(exp(x.neg()).add(1f));
    }
}
