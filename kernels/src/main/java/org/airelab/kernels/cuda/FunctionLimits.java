package org.airelab.kernels.cuda;

/**
 * What a compiled kernel needs.
 *
 * @param threads     most threads of a block, as its registers and launch bounds allow
 * @param registers   32-bit registers of a thread
 * @param sharedBytes static shared memory of a block
 */
record FunctionLimits(int threads, int registers, int sharedBytes) {
}
