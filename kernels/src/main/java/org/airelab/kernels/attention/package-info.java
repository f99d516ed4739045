/**
 * Scaled dot-product attention over packed rows of queries, keys and values, forward and backward. All but the naive
 * CUDA rung do so without ever holding the matrix of probabilities. May use {@code kernels}, {@code kernels.cpu} and
 * {@code kernels.cuda}.
 */
package org.airelab.kernels.attention;
