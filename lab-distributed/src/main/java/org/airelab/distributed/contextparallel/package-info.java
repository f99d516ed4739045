/**
 * Context parallelism: ranks that share every sequence, each with some of its tokens. All of a model but its attention
 * works on a rank's tokens alone; attention sends keys and values around the ranks
 * ({@link org.airelab.distributed.contextparallel.ContextParallel}). May use the process groups, the layers of
 * {@code lab-core} and the kernels.
 */
package org.airelab.distributed.contextparallel;
