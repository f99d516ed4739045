/**
 * Data parallelism: every rank computes the whole model on its samples of each batch, and the ranks' gradients are
 * summed before the update. All keep everything, or each keeps a share alone of the optimizer's state, of gradients and
 * of weights (ZeRO): {@link org.airelab.nn.Shards} says which.
 * {@link org.airelab.distributed.dataparallel.Replicas} is what ranks agree upon beside that. May use the process
 * groups and the training of {@code lab-core}.
 */
package org.airelab.distributed.dataparallel;
