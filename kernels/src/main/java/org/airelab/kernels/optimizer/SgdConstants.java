package org.airelab.kernels.optimizer;

/**
 * SGD's rules as one formula: u = keep u + take g, direction = gradientShare g + velocityShare u. At the first step
 * nothing is kept, so the velocity must be finite then: zeros.
 */
record SgdConstants(float learningRate, float decay, float keep, float take, float gradientShare,
        float velocityShare) {
    static SgdConstants of(SgdSettings s, long step) {
        return new SgdConstants((float) s.learningRate(), (float) s.weightDecay(),
                step == 1 ? 0 : (float) s.momentum(),
                step == 1 ? 1 : (float) (1 - s.dampening()),
                s.nesterov() ? 1 : 0,
                s.nesterov() ? (float) s.momentum() : 1);
    }
}
