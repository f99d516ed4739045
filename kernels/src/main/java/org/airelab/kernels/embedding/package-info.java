/**
 * Embedding rows: gathering them by number, and adding gradients back. May use {@code kernels}, {@code kernels.cpu} and
 * {@code kernels.cuda}.
 */
package org.airelab.kernels.embedding;
