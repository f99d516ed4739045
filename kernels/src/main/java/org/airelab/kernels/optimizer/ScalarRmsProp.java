package org.airelab.kernels.optimizer;

import static org.airelab.kernels.cpu.Lanes.get;
import static org.airelab.kernels.cpu.Lanes.set;

import java.lang.foreign.MemorySegment;

/** {@link RmsProp} in plain float32 loops on one thread. */
final class ScalarRmsProp implements RmsProp {
    @Override
    public String name() {
        return "scalar";
    }

    @Override
    public void step(RmsPropSettings settings, UpdateRange range, MemorySegment weights, MemorySegment gradient,
            MemorySegment squares, MemorySegment gradientMean, MemorySegment velocity) {
        RmsProp.check(settings, range, weights, gradient, squares, gradientMean, velocity);
        var c = RmsPropConstants.of(settings);
        for (var i = range.from(); i < range.to(); i++) {
            var w = get(weights, i);
            var g = get(gradient, i) * range.gradientScale() + c.decay() * w;
            var s = c.alpha() * get(squares, i) + c.fresh() * g * g;
            set(squares, i, s);
            var variance = s;
            if (gradientMean != null) {
                var a = c.alpha() * get(gradientMean, i) + c.fresh() * g;
                set(gradientMean, i, a);
                variance -= a * a;
            }
            var direction = g / ((float) Math.sqrt(variance) + c.epsilon());
            if (velocity != null) {
                direction += c.momentum() * get(velocity, i);
                set(velocity, i, direction);
            }
            set(weights, i, w - c.learningRate() * direction);
        }
    }
}
