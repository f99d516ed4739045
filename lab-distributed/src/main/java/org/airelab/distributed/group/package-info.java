/**
 * Process groups: what the ranks of a run do together. {@link org.airelab.distributed.group.ProcessGroup} says what
 * every back end can do; each back end has a package of its own. May use the base classes and the torch bridge of
 * {@code lab-core}, and the vectors of {@code kernels}.
 *
 * <p>One type system: elements are named by {@link org.airelab.torch.ScalarType}, as tensors name theirs. Memory is a
 * native segment; a back end for GPUs is given segments whose addresses are the device's, and does with its own stream
 * and events what those of the CPU do with threads of their own.
 */
package org.airelab.distributed.group;
