package org.airelab.kernels.activation;

import static org.airelab.kernels.cpu.Lanes.COUNT;
import static org.airelab.kernels.cpu.Lanes.broadcast;
import static org.airelab.kernels.cpu.Lanes.load;
import static org.airelab.kernels.cpu.Lanes.store;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import org.airelab.kernels.cpu.Cores;
import org.airelab.kernels.cpu.Exponential;

/**
 * GELU by tanh, eight lanes at a time, through 0.5 (1 + tanh u) = sigmoid(2u).
 *
 * <p>Measured on 2 cores of a shared Intel Xeon server (AVX-512), 64 x 2048 of float32: {@code vector} 35 times the
 * scalar rung's speed forward and 25 times backward, {@code parallel} 1.6 and 1.9 times that.
 */
final class VectorGeluTanh extends VectorActivation {
    private static final FloatVector SCALE = broadcast((float) (-2 * Curves.TANH_SCALE));
    private static final FloatVector CUBIC = broadcast((float) (-2 * Curves.TANH_SCALE * Curves.TANH_CUBIC));
    private static final FloatVector SLOPE = broadcast((float) (2 * Curves.TANH_SCALE));
    private static final FloatVector SQUARE = broadcast((float) (6 * Curves.TANH_SCALE * Curves.TANH_CUBIC));
    private static final FloatVector ZERO = broadcast(0f);
    private static final FloatVector ONE = broadcast(1f);

    VectorGeluTanh(Cores cores) {
        super(cores);
    }

    @Override
    void forward(long x, long y, int count) {
        for (var i = 0; i < count; i += COUNT) {
            store(value(load(x + 4L * i)), y + 4L * i);
        }
    }

    @Override
    void backward(long dy, long x, long dx, int count) {
        for (var i = 0; i < count; i += COUNT) {
            store(slope(load(x + 4L * i)).mul(load(dy + 4L * i)), dx + 4L * i);
        }
    }

    private static FloatVector value(FloatVector x) {
        return x.div(Exponential.exp(exponent(x)).add(ONE));
    }

    /** s + x s (1 - s) (2u)'; s (1 - s) is formed from e^-|2u|, which neither overflows nor cancels. */
    private static FloatVector slope(FloatVector x) {
        var exponent = exponent(x);
        var e = Exponential.expOfNegative(exponent.abs().neg());
        var larger = ONE.div(e.add(ONE));
        var smaller = e.mul(larger);
        var s = larger.blend(smaller, exponent.compare(VectorOperators.GT, ZERO));
        var steep = x.mul(x).fma(SQUARE, SLOPE).mul(x).mul(larger.mul(smaller));
        // Where s is 0 or 1 to the last bit, the rest may be infinity times 0.
        return s.add(steep.blend(ZERO, smaller.compare(VectorOperators.EQ, ZERO)));
    }

    /** -2u. */
    private static FloatVector exponent(FloatVector x) {
        return x.mul(x).fma(CUBIC, SCALE).mul(x);
    }
}
