/**
 * Matrix products. May use {@code kernels}, {@code kernels.cpu} and {@code kernels.cuda}.
 */
package org.airelab.kernels.matmul;
