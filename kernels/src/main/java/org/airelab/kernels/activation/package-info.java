/**
 * Elementwise activations: SwiGLU on packed rows, GELU (exact and by tanh) and ReLU. May use {@code kernels} and
 * {@code kernels.cpu}.
 */
package org.airelab.kernels.activation;
