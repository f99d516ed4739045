/**
 * The bridge from DJL's arrays to libtorch: memory without copies, any ATen operator under autograd, operators
 * implemented in Java, and the dtypes DJL cannot name. DJL's {@code PtNDArray} handle is a {@code torch::Tensor*},
 * which libtorch's stable C interface ({@code aoti_torch_*}) calls a tensor handle; everything here rests on that
 * and on the foreign function API. May use {@code org.airelab.base} and the kernels; nothing else of the lab.
 */
package org.airelab.torch;
