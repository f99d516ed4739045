package org.airelab.train;

/** Whose kernels compute a model's layers, loss and updates. */
public enum KernelChoice {
    /** The lab's where they exist for the device and precision, else libtorch's. */
    AUTO,
    /** The lab's; where there is none for the device or precision the run is refused. */
    OURS,
    /** libtorch's plain operators. */
    TORCH
}
