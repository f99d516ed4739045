package org.airelab.kernels.optimizer;

/** What a step of Adam multiplies and adds, worked out in float64 and rounded once. */
record AdamConstants(float shrink, float coupledDecay, float beta2, float newGradient, float newSquare,
        float stepSize, float root, float epsilon) {
    static AdamConstants of(AdamSettings settings, long step) {
        var decay = settings.learningRate() * settings.weightDecay();
        return new AdamConstants(
                (float) (settings.decoupled() ? 1 - decay : 1),
                (float) (settings.decoupled() ? 0 : settings.weightDecay()),
                (float) settings.beta2(),
                (float) (1 - settings.beta1()), (float) (1 - settings.beta2()),
                (float) (settings.learningRate() / (1 - Math.pow(settings.beta1(), step))),
                (float) (1 / Math.sqrt(1 - Math.pow(settings.beta2(), step))),
                (float) settings.epsilon());
    }
}
