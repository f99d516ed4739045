package org.airelab.kernels.optimizer;

/**
 * Settings of Adam and AdamW.
 *
 * @param learningRate step size
 * @param beta1        decay of the gradient's mean, in [0, 1)
 * @param beta2        decay of the squares' mean, in [0, 1)
 * @param epsilon      added to the root of the squares' mean
 * @param weightDecay  factor of the decay
 * @param decoupled    true for AdamW, whose decay shrinks the weights; false for Adam, whose decay joins the gradient
 */
public record AdamSettings(double learningRate, double beta1, double beta2, double epsilon, double weightDecay,
        boolean decoupled) {
    public AdamSettings {
        Ranges.atLeastZero("learning rate", learningRate);
        Ranges.belowOne("beta1", beta1);
        Ranges.belowOne("beta2", beta2);
        Ranges.atLeastZero("epsilon", epsilon);
        Ranges.atLeastZero("weight decay", weightDecay);
    }
}
