/**
 * Embedding rows: gathering them by number, and adding gradients back. May use {@code kernels} and {@code kernels.cpu}.
 */
package org.airelab.kernels.embedding;
