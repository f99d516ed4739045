/**
 * Softmax of rows, forward and backward. May use {@code kernels}, {@code kernels.cpu} and {@code kernels.cuda}.
 */
package org.airelab.kernels.softmax;
