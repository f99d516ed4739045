/**
 * Cross-entropy of rows of logits, fused with its gradient. May use {@code kernels} and {@code kernels.cpu}.
 */
package org.airelab.kernels.loss;
