/** JMH benchmarks of the kernel families, each with libtorch as the baseline. May use all modules. */
package org.airelab.benchmarks.kernels;
