package org.airelab.train;

import ai.djl.ndarray.NDArray;

/** The last part of the walk through a model: from the last layer's output to the mean cross-entropy and back. */
public interface LossHead {
    /**
     * Computes the loss of x and its gradients: on the leaf {@code x} for the layers below, and added to the gradients
     * of the head's own parameters.
     *
     * @param x       [batch, time, dim], a leaf that wants a gradient
     * @param targets int64 [batch * time]
     * @param scale   factor of the loss that is differentiated; the loss remembered has none
     * @return the gradient of x, owned by x's manager
     */
    NDArray forwardBackward(NDArray x, NDArray targets, double scale);

    /** Mean loss in nats of all calls since the last take. */
    double takeLoss();

    /** Sum of the losses in nats of x's positions, without gradients. */
    double evaluate(NDArray x, NDArray targets);
}
