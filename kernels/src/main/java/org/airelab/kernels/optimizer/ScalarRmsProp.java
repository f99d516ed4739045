package org.airelab.kernels.optimizer;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

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
        var alpha = (float) settings.alpha();
        var fresh = (float) (1 - settings.alpha());
        var decay = (float) settings.weightDecay();
        var momentum = (float) settings.momentum();
        var learningRate = (float) settings.learningRate();
        var epsilon = (float) settings.epsilon();
        for (var i = range.from(); i < range.to(); i++) {
            var w = get(weights, i);
            var g = get(gradient, i) * range.gradientScale() + decay * w;
            var s = alpha * get(squares, i) + fresh * g * g;
            set(squares, i, s);
            var variance = s;
            if (gradientMean != null) {
                var a = alpha * get(gradientMean, i) + fresh * g;
                set(gradientMean, i, a);
                variance -= a * a;
            }
            var direction = g / ((float) Math.sqrt(variance) + epsilon);
            if (velocity != null) {
                direction += momentum * get(velocity, i);
                set(velocity, i, direction);
            }
            set(weights, i, w - learningRate * direction);
        }
    }

    private static float get(MemorySegment segment, long index) {
        return segment.getAtIndex(JAVA_FLOAT_UNALIGNED, index);
    }

    private static void set(MemorySegment segment, long index, float value) {
        segment.setAtIndex(JAVA_FLOAT_UNALIGNED, index, value);
    }
}
