/**
 * The decoder-only transformer on DJL's blocks, as a list of layers whose parts are options: Llama, GPT-2 and the
 * 2017 transformer's decoder are configurations of it. A block computes through {@link org.airelab.nn.LayerOps},
 * which has a version of plain ATen operators for every device and one of the lab's own kernels. What is inside of
 * layers can be divided among ranks, as {@link org.airelab.nn.TensorDivision} has it. May use
 * {@code org.airelab.torch}, {@code org.airelab.kernels}, {@code org.airelab.checkpoint} and {@code org.airelab.base};
 * knows nothing of training.
 */
package org.airelab.nn;
