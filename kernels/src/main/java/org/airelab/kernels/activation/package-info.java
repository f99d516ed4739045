/**
 * Elementwise activations: SwiGLU on packed rows, GELU (exact and by tanh) and ReLU. May use {@code kernels},
 * {@code kernels.cpu} and {@code kernels.cuda}.
 */
package org.airelab.kernels.activation;
