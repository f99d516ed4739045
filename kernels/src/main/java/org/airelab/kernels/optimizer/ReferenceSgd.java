package org.airelab.kernels.optimizer;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

import java.lang.foreign.MemorySegment;

/** {@link Sgd} in float64, one element after the other. */
final class ReferenceSgd implements Sgd {
    @Override
    public String name() {
        return "float64";
    }

    @Override
    public void step(SgdSettings settings, long step, UpdateRange range, MemorySegment weights,
            MemorySegment gradient, MemorySegment velocity) {
        Sgd.check(settings, step, range, weights, gradient, velocity);
        for (var i = range.from(); i < range.to(); i++) {
            var w = get(weights, i);
            var g = get(gradient, i) * range.gradientScale() + settings.weightDecay() * w;
            var direction = g;
            if (velocity != null) {
                var u = step == 1 ? g : settings.momentum() * get(velocity, i) + (1 - settings.dampening()) * g;
                set(velocity, i, u);
                direction = settings.nesterov() ? g + settings.momentum() * u : u;
            }
            set(weights, i, w - settings.learningRate() * direction);
        }
    }

    private static double get(MemorySegment segment, long index) {
        return segment.getAtIndex(JAVA_FLOAT_UNALIGNED, index);
    }

    private static void set(MemorySegment segment, long index, double value) {
        segment.setAtIndex(JAVA_FLOAT_UNALIGNED, index, (float) value);
    }
}
