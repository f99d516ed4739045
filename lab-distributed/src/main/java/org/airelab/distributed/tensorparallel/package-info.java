/**
 * Tensor parallelism: the ranks of a group compute the same layers of the same tokens, each a part of what is inside
 * (Shoeybi et al. 2019; Narayanan et al. 2021), and, with sequence parallelism, each its own tokens of what is between
 * (Korthikanti et al. 2022, section 4.2.2).
 *
 * <p>With n ranks, batch b, time t and width d, a layer's forward and backward passes are four all-reduces of b t d
 * values, in the type layers compute in. With sequence parallelism each becomes an all-gather and a reduce-scatter of
 * b t d / n values from or for each rank, which move as many bytes; and two more all-gathers, while the backward pass
 * goes on, fetch again what need not be kept. Activation checkpointing adds the forward pass's once more.
 *
 * <p>Half types are summed in float32 and rounded once by the {@code shm} and {@code mpi} groups, and by NCCL's own
 * arithmetic between GPUs; sums are formed in an order that does not depend on timing.
 *
 * <p>May use the process groups and the training of {@code lab-core}.
 */
package org.airelab.distributed.tensorparallel;
