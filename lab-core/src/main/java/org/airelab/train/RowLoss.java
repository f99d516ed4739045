package org.airelab.train;

import ai.djl.ndarray.NDArray;

/**
 * Cross-entropy in nats of rows of logits [n, vocabulary] with int64 targets [n], of those other than
 * {@link org.airelab.torch.Aten#IGNORED}; the others' is 0. Arrays are contiguous; nothing is recorded.
 */
interface RowLoss {
    /**
     * The most logits to be given at a time on a GPU. A portion reads and writes all of the weight's gradient in
     * float32, so that there are to be few; what overwrites logits of a half type takes two gigabytes of 2^30, of
     * batches whose activations take several times that.
     */
    default long mostOnGpu() {
        return 1L << 30;
    }

    /** Writes the losses, float32 [n]. */
    void forward(NDArray logits, NDArray targets, NDArray losses);

    /**
     * The same with the gradient of the sum of the losses, times {@code scale}, by the logits, in their type and shape.
     * It may be the logits' memory, which is overwritten.
     */
    NDArray forwardBackward(NDArray logits, NDArray targets, NDArray losses, double scale);
}
