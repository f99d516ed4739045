/**
 * State on disk that survives crashes: tensors in the safetensors format, and a store of checkpoints that are
 * written whole, verified before they are used, and pruned. Uses {@link org.airelab.base} and Jackson; knows
 * nothing of models, optimizers or libtorch, which hand over their memory as {@link java.lang.foreign.MemorySegment}s.
 */
package org.airelab.checkpoint;
