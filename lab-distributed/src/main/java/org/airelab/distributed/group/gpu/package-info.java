/**
 * What groups whose arrays lie on GPUs have in common: their callers' streams, events, memory; and
 * {@link org.airelab.distributed.group.gpu.StagedGroup}, which lets GPUs take part in a group of the host's. May use
 * the CUDA layer of {@code kernels}.
 */
package org.airelab.distributed.group.gpu;
