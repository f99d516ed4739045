/**
 * Running hand-written CUDA kernels: their sources, launches, and the JCuda layer of device, stream, event, buffer,
 * module and graph. A {@link org.airelab.kernels.cuda.Launcher} is all a rung sees of it, so that the tests can run the
 * same rungs on a CPU. May use JCuda, {@code kernels} and {@code kernels.cpu}.
 */
package org.airelab.kernels.cuda;
