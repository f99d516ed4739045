package org.airelab.kernels.optimizer;

/**
 * Settings of RMSProp.
 *
 * @param learningRate step size
 * @param alpha        decay of the squares' mean, in [0, 1)
 * @param epsilon      added to the root of the squares' mean
 * @param weightDecay  factor of the weights added to the gradient
 * @param momentum     decay of the velocity, 0 for none
 * @param centered     whether the squared mean of the gradient is taken off the squares' mean
 */
public record RmsPropSettings(double learningRate, double alpha, double epsilon, double weightDecay, double momentum,
        boolean centered) {
    public RmsPropSettings {
        Ranges.atLeastZero("learning rate", learningRate);
        Ranges.belowOne("alpha", alpha);
        Ranges.atLeastZero("epsilon", epsilon);
        Ranges.atLeastZero("weight decay", weightDecay);
        Ranges.atLeastZero("momentum", momentum);
    }
}
