/**
 * Data parallelism: every rank has the whole model and takes a part of each batch, and the ranks' gradients are summed
 * before the update, which then is the same everywhere.
 * {@link org.airelab.distributed.dataparallel.Replicas} is what ranks agree upon beside that. May use the process
 * groups and the training of {@code lab-core}.
 */
package org.airelab.distributed.dataparallel;
