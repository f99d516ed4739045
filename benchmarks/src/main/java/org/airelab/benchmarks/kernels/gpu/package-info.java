/**
 * Measuring on a GPU. {@link org.airelab.benchmarks.kernels.gpu.CudaBenchmark} is the JMH benchmark; a
 * {@link org.airelab.benchmarks.kernels.gpu.Work} is what it calls, a rung of ours, cuBLAS, libtorch or a limit of the
 * device, on {@link org.airelab.benchmarks.kernels.gpu.DeviceMemory}; a
 * {@link org.airelab.benchmarks.kernels.gpu.GpuTimer} is how. May use {@code kernels.workload}, {@code
 * org.airelab.kernels}, {@code torch}, JCublas and JMH.
 *
 * <p><b>Warm</b> means: as in a training step. Calls follow each other in a CUDA graph, each on another copy of its
 * memory, the copies together twice as large as the L2 cache ({@link org.airelab.benchmarks.kernels.gpu.Rotation}), so
 * that inputs come from the device's memory; instructions, address translations and clocks are warm, and a call's
 * launch is hidden behind the call before. <b>Cold</b> means: after something else. Before each call a buffer twice as
 * large as the L2 is overwritten, and the call is timed alone between two events, its launch and its slow beginning and
 * end included. Nothing is subtracted in either.
 *
 * <p><b>Time</b> is the device's, between two events of the stream. In a warm replay the graph's own launch is in it,
 * once for all its calls; the host's time to launch and to wait is not. Invocations hold as many calls as take about
 * two milliseconds, as JMH's operations an invocation are fixed when it is compiled, the division is by an auxiliary
 * counter.
 *
 * <p><b>Streams.</b> A rung launches on the stream of its launcher, and so is captured. libtorch launches on its
 * current stream, by default the legacy one, which no graph can capture and which our stream, a non-blocking one,
 * neither waits for nor is waited for by: events of our stream would time nothing. So our stream is made libtorch's
 * current one around each of its calls ({@link org.airelab.torch.TorchStream}), and cuBLAS is given it by
 * {@code cublasSetStream}: all three are then captured and timed in the same way, without the host's time to dispatch
 * an operator, which would otherwise be all there is to see of a short one. Libtorch's results are kept for a round of
 * the copies, or its caching allocator would hand out the same memory, warm in the L2, again and again. What of
 * libtorch cannot be captured (an operator that waits for the device) is timed on the same stream without a graph, and
 * the report says so. Between capture and the graph's end nothing asks libtorch for memory, so that it gives none of
 * what the graph uses back to the driver.
 */
package org.airelab.benchmarks.kernels.gpu;
