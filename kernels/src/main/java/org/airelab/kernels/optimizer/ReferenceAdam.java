package org.airelab.kernels.optimizer;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

import java.lang.foreign.MemorySegment;

/** {@link Adam} in float64, one element after the other. */
final class ReferenceAdam implements Adam {
    @Override
    public String name() {
        return "float64";
    }

    @Override
    public void step(AdamSettings settings, long step, UpdateRange range, MemorySegment weights,
            MemorySegment gradient, MemorySegment firstMoment, MemorySegment secondMoment) {
        Adam.check(step, range, weights, gradient, firstMoment, secondMoment);
        var decay = settings.learningRate() * settings.weightDecay();
        var stepSize = settings.learningRate() / (1 - Math.pow(settings.beta1(), step));
        var root = Math.sqrt(1 - Math.pow(settings.beta2(), step));
        for (var i = range.from(); i < range.to(); i++) {
            var w = get(weights, i);
            var g = get(gradient, i) * range.gradientScale();
            if (settings.decoupled()) {
                w *= 1 - decay;
            } else {
                g += settings.weightDecay() * w;
            }
            var m = settings.beta1() * get(firstMoment, i) + (1 - settings.beta1()) * g;
            var v = settings.beta2() * get(secondMoment, i) + (1 - settings.beta2()) * g * g;
            set(weights, i, w - stepSize * m / (Math.sqrt(v) / root + settings.epsilon()));
            set(firstMoment, i, m);
            set(secondMoment, i, v);
        }
    }

    private static double get(MemorySegment segment, long index) {
        return segment.getAtIndex(JAVA_FLOAT_UNALIGNED, index);
    }

    private static void set(MemorySegment segment, long index, double value) {
        segment.setAtIndex(JAVA_FLOAT_UNALIGNED, index, (float) value);
    }
}
