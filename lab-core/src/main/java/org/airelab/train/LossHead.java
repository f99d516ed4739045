package org.airelab.train;

import ai.djl.ndarray.NDArray;

/**
 * The last part of the walk through a model: from the last layer's output to the mean cross-entropy and back. The mean
 * is over the targets that count, those other than {@link org.airelab.torch.Aten#IGNORED}; where none counts the loss
 * is NaN and its gradients are 0, as PyTorch has it.
 */
public interface LossHead {
    /**
     * Computes the loss of x and its gradients: on the leaf {@code x} for the layers below, and added to the gradients
     * of the head's own parameters.
     *
     * @param x       [batch, time, dim], a leaf that wants a gradient
     * @param targets of its positions
     * @param scale   factor of the loss that is differentiated; the loss remembered has none
     * @return the gradient of x, owned by x's manager
     */
    NDArray forwardBackward(NDArray x, Targets targets, double scale);

    /** Mean over the calls since the last take of their losses in nats. */
    double takeLoss();

    /** Sum of the losses in nats of the positions whose target counts, without gradients; 0 when none does. */
    double evaluate(NDArray x, Targets targets);
}
