package org.airelab.kernels.activation;

/** The activations and their slopes as plain float32 expressions, only exp, tanh and erf by way of float64. */
final class ScalarCurves {
    private static final float TANH_SCALE = (float) Curves.TANH_SCALE;
    private static final float TANH_CUBIC = (float) Curves.TANH_CUBIC;
    private static final float SQRT_HALF = (float) Math.sqrt(0.5);
    private static final float DENSITY = (float) (1 / Math.sqrt(2 * Math.PI));

    private ScalarCurves() {}

    static float gelu(float x) {
        return 0.5f * x * (1 + erf(x * SQRT_HALF));
    }

    static float geluSlope(float x) {
        return 0.5f * (1 + erf(x * SQRT_HALF)) + x * DENSITY * (float) Math.exp(-0.5f * x * x);
    }

    static float geluTanh(float x) {
        return 0.5f * x * (1 + tanh(x));
    }

    static float geluTanhSlope(float x) {
        var t = tanh(x);
        if (Math.abs(t) == 1) {
            return 0.5f * (1 + t); // what follows would be 0 times infinity for large x
        }
        var slope = TANH_SCALE * (1 + 3 * TANH_CUBIC * x * x);
        return 0.5f * (1 + t) + 0.5f * x * (1 - t * t) * slope;
    }

    static float relu(float x) {
        return x <= 0 ? 0 : x;
    }

    static float reluSlope(float x) {
        return x <= 0 ? 0 : 1;
    }

    private static float tanh(float x) {
        return (float) Math.tanh(TANH_SCALE * (x + TANH_CUBIC * x * x * x));
    }

    private static float erf(float x) {
        return (float) Curves.erf(x);
    }
}
