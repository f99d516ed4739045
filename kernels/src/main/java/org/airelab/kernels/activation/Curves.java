package org.airelab.kernels.activation;

/** The activations and their slopes in float64. */
final class Curves {
    static final double TANH_SCALE = Math.sqrt(2 / Math.PI);
    static final double TANH_CUBIC = 0.044715;

    private Curves() {}

    static double gelu(double x) {
        return x * normalDistribution(x);
    }

    static double geluSlope(double x) {
        return normalDistribution(x) + x * Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI);
    }

    static double geluTanh(double x) {
        return x * sigmoid(2 * inner(x));
    }

    static double geluTanhSlope(double x) {
        var s = sigmoid(2 * inner(x));
        var innerSlope = TANH_SCALE * (1 + 3 * TANH_CUBIC * x * x);
        return s + x * s * sigmoid(-2 * inner(x)) * 2 * innerSlope;
    }

    static double relu(double x) {
        return x <= 0 ? 0 : x;
    }

    static double reluSlope(double x) {
        return x <= 0 ? 0 : 1;
    }

    static double sigmoid(double x) {
        return 1 / (1 + Math.exp(-x));
    }

    private static double inner(double x) {
        return TANH_SCALE * (x + TANH_CUBIC * x * x * x);
    }

    /** Phi(x) = erfc(-x / sqrt 2) / 2. */
    private static double normalDistribution(double x) {
        var tail = erfc(Math.abs(x) / Math.sqrt(2)) / 2;
        return x <= 0 ? tail : 1 - tail;
    }

    static double erf(double x) {
        return Math.signum(x) * (1 - erfc(Math.abs(x)));
    }

    /** The complementary error function for x of at least 0: series below 2, continued fraction above. */
    private static double erfc(double x) {
        if (x < 2) {
            // Abramowitz and Stegun 7.1.6: all terms positive, so nothing cancels.
            var term = x;
            var sum = x;
            for (var n = 1; term > sum * 1e-17; n++) {
                term *= 2 * x * x / (2 * n + 1);
                sum += term;
            }
            return 1 - 2 / Math.sqrt(Math.PI) * Math.exp(-x * x) * sum;
        }
        // Abramowitz and Stegun 7.1.14, evaluated from the inside out.
        var fraction = x;
        for (var n = 120; n > 0; n--) {
            fraction = x + n / 2.0 / fraction;
        }
        return Math.exp(-x * x) / (Math.sqrt(Math.PI) * fraction);
    }
}
