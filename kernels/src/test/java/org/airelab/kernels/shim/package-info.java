/**
 * Executes CUDA kernels on a CPU, for the tests: the sources are compiled by g++ against a shim of CUDA's built-ins, and
 * every access of theirs to memory is checked. May use {@code kernels} and {@code kernels.cuda}.
 */
package org.airelab.kernels.shim;
