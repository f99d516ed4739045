package org.airelab.kernels.cuda;

/**
 * What a device grants a block.
 *
 * @param architecture compute capability as {@code 10 * major + minor}
 * @param registers    32-bit registers of a block
 * @param sharedBytes  shared memory of a block, static and dynamic, for kernels that ask for more than 48 KiB
 */
record DeviceLimits(int architecture, int registers, int sharedBytes) {
}
