/**
 * Measuring kernels: JMH benchmarks of every family's rungs and of libtorch, of the machine's limits, and {@code lab
 * bench}, which runs them round by round and writes a report. May use {@code kernels.workload}, {@code report} and
 * JMH.
 */
package org.airelab.benchmarks.kernels;
