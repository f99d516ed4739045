/**
 * Cross-entropy of rows of logits, fused with its gradient. May use {@code kernels}, {@code kernels.cpu} and
 * {@code kernels.cuda}.
 */
package org.airelab.kernels.loss;
