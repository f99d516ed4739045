package org.airelab.kernels.optimizer;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

import java.lang.foreign.MemorySegment;

/** {@link RmsProp} in float64, one element after the other. */
final class ReferenceRmsProp implements RmsProp {
    @Override
    public String name() {
        return "float64";
    }

    @Override
    public void step(RmsPropSettings settings, UpdateRange range, MemorySegment weights, MemorySegment gradient,
            MemorySegment squares, MemorySegment gradientMean, MemorySegment velocity) {
        RmsProp.check(settings, range, weights, gradient, squares, gradientMean, velocity);
        var alpha = settings.alpha();
        for (var i = range.from(); i < range.to(); i++) {
            var w = get(weights, i);
            var g = get(gradient, i) * range.gradientScale() + settings.weightDecay() * w;
            var s = alpha * get(squares, i) + (1 - alpha) * g * g;
            set(squares, i, s);
            var variance = s;
            if (gradientMean != null) {
                var a = alpha * get(gradientMean, i) + (1 - alpha) * g;
                set(gradientMean, i, a);
                variance -= a * a;
            }
            var direction = g / (Math.sqrt(variance) + settings.epsilon());
            if (velocity != null) {
                direction += settings.momentum() * get(velocity, i);
                set(velocity, i, direction);
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
