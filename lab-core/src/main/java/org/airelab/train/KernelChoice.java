package org.airelab.train;

/**
 * Whose kernels compute a model's norms, attention, activations, loss and updates; matrix products and embeddings are
 * libtorch's always, and so is the loss where the vocabulary is divided among ranks.
 */
public enum KernelChoice {
    /** The lab's where there are any, else libtorch's: on a CPU in float32, on a GPU in all but float64. */
    AUTO,
    /** The lab's; where the device, the precision or an operation of the layers has none the run is refused. */
    OURS,
    /** libtorch's plain operators. */
    TORCH
}
