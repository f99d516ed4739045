package org.airelab.kernels.shim;

/** What a kernel did wrong: a data race, an access out of bounds, a barrier that not all threads reach. */
public final class KernelFault extends RuntimeException {
    private static final long serialVersionUID = 1;

    KernelFault(String message) {
        super(message);
    }
}
