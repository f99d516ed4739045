package org.airelab.kernels.activation;

import static org.airelab.kernels.cpu.Lanes.COUNT;
import static org.airelab.kernels.cpu.Lanes.broadcast;
import static org.airelab.kernels.cpu.Lanes.load;
import static org.airelab.kernels.cpu.Lanes.store;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import org.airelab.kernels.cpu.Exponential;

/** GELU with the exact normal distribution, eight lanes at a time on all cores. */
final class VectorGelu extends VectorActivation {
    private static final float SQRT_HALF = (float) Math.sqrt(0.5);
    private static final float DENSITY = (float) (1 / Math.sqrt(2 * Math.PI));

    @Override
    void forward(long x, long y, int count) {
        var i = 0;
        for (; i + COUNT <= count; i += COUNT) {
            store(value(load(x + 4L * i)), y + 4L * i);
        }
        if (i < count) {
            store(value(load(x + 4L * i, count - i)), y + 4L * i, count - i);
        }
    }

    @Override
    void backward(long dy, long x, long dx, int count) {
        var i = 0;
        for (; i + COUNT <= count; i += COUNT) {
            store(slope(load(x + 4L * i)).mul(load(dy + 4L * i)), dx + 4L * i);
        }
        if (i < count) {
            var gradient = slope(load(x + 4L * i, count - i)).mul(load(dy + 4L * i, count - i));
            store(gradient, dx + 4L * i, count - i);
        }
    }

    private static FloatVector value(FloatVector x) {
        return x.mul(distribution(x, Exponential.exp(x.mul(x).mul(-0.5f))));
    }

    private static FloatVector slope(FloatVector x) {
        var bell = Exponential.exp(x.mul(x).mul(-0.5f));
        return x.mul(bell).fma(broadcast(DENSITY), distribution(x, bell));
    }

    /** Phi(x), given e^(-x^2/2). */
    private static FloatVector distribution(FloatVector x, FloatVector bell) {
        var tail = scaledTail(x.abs().mul(SQRT_HALF)).mul(bell);
        return tail.blend(broadcast(1f).sub(tail), x.compare(VectorOperators.GT, 0f));
    }

    /**
     * e^(a^2) erfc(a) / 2 for a of at least 0: a polynomial in t = 1 / (1 + 0.4 a), minimax over a in [0, 10], relative
     * error 8e-9.
     */
    private static FloatVector scaledTail(FloatVector a) {
        var t = broadcast(1f).div(a.fma(broadcast(0.4f), broadcast(1f)));
        var p = t.fma(broadcast(-0.029594026505947113f), broadcast(0.1980116069316864f));
        p = p.fma(t, broadcast(-0.4988079071044922f));
        p = p.fma(t, broadcast(0.5474309325218201f));
        p = p.fma(t, broadcast(-0.28436318039894104f));
        p = p.fma(t, broadcast(0.2720644772052765f));
        p = p.fma(t, broadcast(0.12968017160892487f));
        p = p.fma(t, broadcast(0.21491898596286774f));
        p = p.fma(t, broadcast(0.22495202720165253f));
        p = p.fma(t, broadcast(0.22570690512657166f));
        return p.mul(t).mul(0.5f);
    }
}
