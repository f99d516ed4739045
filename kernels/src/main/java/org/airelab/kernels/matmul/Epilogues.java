package org.airelab.kernels.matmul;

import jdk.incubator.vector.FloatVector;
import org.airelab.kernels.cpu.Exponential;
import org.airelab.kernels.cpu.Lanes;
import org.airelab.kernels.matmul.MatmulShape.Epilogue;

/**
 * The epilogues in float64, in float32 and in lanes. 0.5 (1 + tanh u) is written as 1 / (1 + e^-2u), which does not
 * cancel for negative u: both epilogues are x / (1 + e^-g(x)).
 */
final class Epilogues {
    /** g(x) = x (LINEAR + CUBIC x^2) for GELU. */
    private static final double LINEAR = 2 * Math.sqrt(2 / Math.PI);
    private static final double CUBIC = 0.044715 * LINEAR;

    private static final FloatVector ONE = Lanes.broadcast(1f);
    private static final FloatVector MINUS_LINEAR = Lanes.broadcast((float) -LINEAR);
    private static final FloatVector MINUS_CUBIC = Lanes.broadcast((float) -CUBIC);

    private Epilogues() {}

    static double of(Epilogue epilogue, double x) {
        return switch (epilogue) {
            case NONE -> x;
            case GELU -> x / (1 + Math.exp(-x * (LINEAR + CUBIC * x * x)));
            case SILU -> x / (1 + Math.exp(-x));
        };
    }

    static float of(Epilogue epilogue, float x) {
        return switch (epilogue) {
            case NONE -> x;
            case GELU -> x / (1 + (float) Math.exp(-x * ((float) LINEAR + (float) CUBIC * x * x)));
            case SILU -> x / (1 + (float) Math.exp(-x));
        };
    }

    static FloatVector gelu(FloatVector x) {
        return x.div(Exponential.exp(x.mul(x).fma(MINUS_CUBIC, MINUS_LINEAR).mul(x)).add(ONE));
    }

    static FloatVector silu(FloatVector x) {
        return x.div(Exponential.exp(x.neg()).add(ONE));
    }
}
