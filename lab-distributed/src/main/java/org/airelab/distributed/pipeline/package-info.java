/**
 * Pipeline parallelism: every rank has some of the layers, and micro-batches go from rank to rank, forward and back.
 * {@link org.airelab.distributed.pipeline.PipelinePlan} says which rank has what and does what when, as data;
 * {@link org.airelab.distributed.pipeline.Pipeline} does it. May use the process groups, what ranks of data parallelism
 * tell each other, and the training of {@code lab-core}.
 */
package org.airelab.distributed.pipeline;
