package org.airelab.kernels.optimizer;

import static org.airelab.kernels.cpu.Lanes.get;
import static org.airelab.kernels.cpu.Lanes.set;

import java.lang.foreign.MemorySegment;

/** {@link Adam} in plain float32 loops on one thread. */
final class ScalarAdam implements Adam {
    @Override
    public String name() {
        return "scalar";
    }

    @Override
    public void step(AdamSettings settings, long step, UpdateRange range, MemorySegment weights,
            MemorySegment gradient, MemorySegment firstMoment, MemorySegment secondMoment) {
        Adam.check(step, range, weights, gradient, firstMoment, secondMoment);
        var c = AdamConstants.of(settings, step);
        for (var i = range.from(); i < range.to(); i++) {
            var w = get(weights, i) * c.shrink();
            var g = get(gradient, i) * range.gradientScale() + c.coupledDecay() * w;
            var m = get(firstMoment, i) + c.newGradient() * (g - get(firstMoment, i));
            var v = c.beta2() * get(secondMoment, i) + c.newSquare() * g * g;
            set(weights, i, w - c.stepSize() * (m / ((float) Math.sqrt(v) * c.root() + c.epsilon())));
            set(firstMoment, i, m);
            set(secondMoment, i, v);
        }
    }
}
