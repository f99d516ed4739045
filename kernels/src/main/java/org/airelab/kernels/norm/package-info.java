/**
 * Root mean square and layer normalization of rows, forward and backward. May use {@code kernels} and
 * {@code kernels.cpu}.
 */
package org.airelab.kernels.norm;
