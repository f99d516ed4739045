package org.airelab.kernels.optimizer;

/**
 * Settings of stochastic gradient descent.
 *
 * @param learningRate step size
 * @param momentum     decay of the velocity, 0 for none
 * @param dampening    share of the gradient kept out of the velocity, but not at the first step
 * @param weightDecay  factor of the weights added to the gradient
 * @param nesterov     whether the step looks ahead along the velocity; needs a momentum and no dampening
 */
public record SgdSettings(double learningRate, double momentum, double dampening, double weightDecay,
        boolean nesterov) {
    public SgdSettings {
        Ranges.atLeastZero("learning rate", learningRate);
        Ranges.atLeastZero("momentum", momentum);
        Ranges.atLeastZero("weight decay", weightDecay);
        if (nesterov && (momentum == 0 || dampening != 0)) {
            throw new IllegalArgumentException("expected a momentum and no dampening with nesterov, found momentum "
                    + momentum + " and dampening " + dampening);
        }
    }
}
