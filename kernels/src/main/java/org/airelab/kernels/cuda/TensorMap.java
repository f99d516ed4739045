package org.airelab.kernels.cuda;

import java.lang.foreign.MemorySegment;

/**
 * A tensor map (CUtensorMap, 128 bytes aligned to 64), as {@code cuTensorMapEncodeTiled} fills it: what the Tensor
 * Memory Accelerator of sm_90 and up reads tiles by.
 *
 * @param memory the 128 bytes in the host's memory
 */
public record TensorMap(MemorySegment memory) {
}
