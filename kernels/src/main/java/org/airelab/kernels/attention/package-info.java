/**
 * Scaled dot-product attention over packed rows of queries, keys and values, forward and backward, without ever holding
 * the matrix of probabilities. May use {@code kernels} and {@code kernels.cpu}.
 */
package org.airelab.kernels.attention;
