package org.airelab.kernels.optimizer;

import static org.airelab.kernels.cpu.Lanes.get;
import static org.airelab.kernels.cpu.Lanes.set;

import java.lang.foreign.MemorySegment;

/** {@link Sgd} in plain float32 loops on one thread. */
final class ScalarSgd implements Sgd {
    @Override
    public String name() {
        return "scalar";
    }

    @Override
    public void step(SgdSettings settings, long step, UpdateRange range, MemorySegment weights,
            MemorySegment gradient, MemorySegment velocity) {
        Sgd.check(settings, step, range, weights, gradient, velocity);
        var c = SgdConstants.of(settings, step);
        for (var i = range.from(); i < range.to(); i++) {
            var w = get(weights, i);
            var g = get(gradient, i) * range.gradientScale() + c.decay() * w;
            var direction = g;
            if (velocity != null) {
                var u = c.keep() * get(velocity, i) + c.take() * g;
                set(velocity, i, u);
                direction = c.gradientShare() * g + c.velocityShare() * u;
            }
            set(weights, i, w - c.learningRate() * direction);
        }
    }
}
