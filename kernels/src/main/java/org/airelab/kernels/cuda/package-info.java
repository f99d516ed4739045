/**
 * Running hand-written CUDA kernels: their sources, launches, and the JCuda layer of device, stream, event, buffer,
 * module and graph. A {@link org.airelab.kernels.cuda.Launcher} is all a rung sees of it, so that the tests can run the
 * same rungs on a CPU. May use JCuda, {@code kernels} and {@code kernels.cpu}.
 *
 * <p>The layer stands on JCuda's binding of the driver API, and loads it when a device is first asked for. Only what
 * JCuda 12.6 does not have is bound by the foreign function API ({@code DriverExtensions}): launches with clusters
 * ({@code cuLaunchKernelEx}), tensor maps ({@code cuTensorMapEncodeTiled}) and the sizes of a kernel's parameters
 * ({@code cuFuncGetParamInfo}). JCuda's own exceptions stay off: results are checked where it is known what a call was
 * for. Its handles are subclassed ({@code Handles}), because foreign functions and other libraries need their numbers.
 *
 * <p>{@link org.airelab.kernels.cuda.CudaDevice} retains the device's primary context, which is the one of CUDA's
 * runtime and so of libtorch. Errors: {@link org.airelab.kernels.cuda.CudaException} for what the driver reports,
 * {@link org.airelab.kernels.cuda.MissingCudaException} for a machine without a driver, a GPU or a compiler,
 * {@link org.airelab.kernels.cuda.CompilationException} for a source that does not compile, IllegalArgumentException
 * for launches that cannot work.
 */
package org.airelab.kernels.cuda;
