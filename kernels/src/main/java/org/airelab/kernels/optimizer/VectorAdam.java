package org.airelab.kernels.optimizer;

import static org.airelab.kernels.cpu.Lanes.COUNT;
import static org.airelab.kernels.cpu.Lanes.broadcast;
import static org.airelab.kernels.cpu.Lanes.load;
import static org.airelab.kernels.cpu.Lanes.store;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import org.airelab.kernels.cpu.Lanes;

/**
 * {@link Adam} eight lanes at a time on all cores; every array is read once and written once.
 *
 * <p>Measured on 2 cores of an AMD EPYC (Zen 4) server (benchmarks/reports/20261126-AMD-EPYC), 131,072 weights of
 * float32: 27.7 us a step of AdamW where the scalar rung took 348 us.
 */
final class VectorAdam implements Adam {
    @Override
    public String name() {
        return "vector";
    }

    @Override
    public boolean available() {
        return Lanes.available();
    }

    @Override
    public void step(AdamSettings settings, long step, UpdateRange range, MemorySegment weights,
            MemorySegment gradient, MemorySegment firstMoment, MemorySegment secondMoment) {
        Adam.check(step, range, weights, gradient, firstMoment, secondMoment);
        var constants = AdamConstants.of(settings, step);
        range.forPieces((_, from, to) -> {
            var count = (int) (to - from);
            var g = gradient.address() + 4 * from;
            update(constants, range.gradientScale(), weights.address() + 4 * from, g,
                    firstMoment.address() + 4 * from, secondMoment.address() + 4 * from, count);
        });
    }

    private static void update(AdamConstants c, float scale, long weights, long gradient, long first, long second,
            int count) {
        var i = 0;
        for (; i + COUNT <= count; i += COUNT) {
            var at = 4L * i;
            var w = load(weights + at).mul(c.shrink());
            var g = w.fma(broadcast(c.coupledDecay()), load(gradient + at).mul(scale));
            var m = first(c, load(first + at), g);
            var v = second(c, load(second + at), g);
            store(m, first + at);
            store(v, second + at);
            store(moved(c, w, m, v), weights + at);
        }
        if (i < count) {
            var at = 4L * i;
            var rest = count - i;
            var w = load(weights + at, rest).mul(c.shrink());
            var g = w.fma(broadcast(c.coupledDecay()), load(gradient + at, rest).mul(scale));
            var m = first(c, load(first + at, rest), g);
            var v = second(c, load(second + at, rest), g);
            store(m, first + at, rest);
            store(v, second + at, rest);
            store(moved(c, w, m, v), weights + at, rest);
        }
    }

    private static FloatVector first(AdamConstants c, FloatVector m, FloatVector g) {
        return g.sub(m).fma(broadcast(c.newGradient()), m);
    }

    private static FloatVector second(AdamConstants c, FloatVector v, FloatVector g) {
        return g.mul(g).fma(broadcast(c.newSquare()), v.mul(c.beta2()));
    }

    private static FloatVector moved(AdamConstants c, FloatVector w, FloatVector m, FloatVector v) {
        var root = v.sqrt().fma(broadcast(c.root()), broadcast(c.epsilon()));
        return m.div(root).fma(broadcast(-c.stepSize()), w);
    }
}
