package org.airelab.kernels.optimizer;

/** What a step of RMSProp multiplies and adds, rounded once; {@code fresh} is 1 - alpha. */
record RmsPropConstants(float decay, float alpha, float fresh, float epsilon, float momentum, float learningRate) {
    static RmsPropConstants of(RmsPropSettings s) {
        return new RmsPropConstants((float) s.weightDecay(), (float) s.alpha(), (float) (1 - s.alpha()),
                (float) s.epsilon(), (float) s.momentum(), (float) s.learningRate());
    }
}
