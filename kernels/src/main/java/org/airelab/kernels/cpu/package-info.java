/**
 * What all CPU rungs share: float32 vectors over raw addresses, exponentials, the parallel loop, argument checks and
 * per-thread scratch memory. May use {@code kernels}.
 */
package org.airelab.kernels.cpu;
