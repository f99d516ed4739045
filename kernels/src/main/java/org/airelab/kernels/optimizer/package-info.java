/**
 * Optimizer updates over flat parameter memory: Adam and AdamW, SGD with momentum, RMSProp, and the gradient's norm.
 * The update rules are PyTorch's. May use {@code kernels}, {@code kernels.cpu} and
 * {@code kernels.cuda}.
 */
package org.airelab.kernels.optimizer;
