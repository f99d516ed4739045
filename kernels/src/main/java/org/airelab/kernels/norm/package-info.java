/**
 * Root mean square and layer normalization of rows, forward and backward. May use {@code kernels},
 * {@code kernels.cpu} and {@code kernels.cuda}.
 */
package org.airelab.kernels.norm;
