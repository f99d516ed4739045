/**
 * What is measured: each family's operations at the shapes of training, with random inputs, counts of operations and
 * bytes, and libtorch's way of doing the same. {@link org.airelab.benchmarks.kernels.workload.Workloads} lists them
 * all. May use {@code org.airelab.kernels}, {@code torch} and {@code nn}.
 */
package org.airelab.benchmarks.kernels.workload;
