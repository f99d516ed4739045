package org.airelab.kernels.cuda;

/** Finds what is wrong with a launch before the driver answers with a number. */
final class LaunchBounds {
    /** Registers are handed out in portions of 256 a warp (CUDA C++ programming guide, "Compute Capabilities"). */
    private static final int REGISTER_PORTION = 256;
    private static final int WARP = 32;
    private static final int LEAST_CLUSTER_ARCHITECTURE = 90;
    private static final int MOST_CLUSTER_BLOCKS = 16;

    private LaunchBounds() {
    }

    /**
     * Checks a launch against the kernel and the device.
     *
     * @throws IllegalArgumentException saying what was expected and what was found
     */
    static void check(Launch launch, FunctionLimits function, DeviceLimits device) {
        require(launch.block() <= function.threads(), launch,
                "a block of at most " + function.threads() + " threads, as it was compiled for", launch.block());
        long warps = (launch.block() + WARP - 1) / WARP;
        long portions = ((long) function.registers() * WARP + REGISTER_PORTION - 1) / REGISTER_PORTION;
        long registers = warps * portions * REGISTER_PORTION;
        require(registers <= device.registers(), launch, "at most " + device.registers() + " registers a block, "
                + function.registers() + " in each of " + launch.block() + " threads", registers);
        long shared = (long) function.sharedBytes() + launch.sharedBytes();
        require(shared <= device.sharedBytes(), launch, "at most " + device.sharedBytes()
                + " bytes of shared memory a block, static (" + function.sharedBytes() + ") and dynamic ("
                + launch.sharedBytes() + ") together", shared);
        if (launch.cluster() > 1) {
            require(device.architecture() >= LEAST_CLUSTER_ARCHITECTURE, launch,
                    "a device of compute capability 9.0 or more for clusters (10 * major + minor)",
                    device.architecture());
            require(launch.cluster() <= MOST_CLUSTER_BLOCKS, launch, "a cluster of at most 16 blocks",
                    launch.cluster());
        }
    }

    private static void require(boolean condition, Launch launch, String expected, long found) {
        if (!condition) {
            throw new IllegalArgumentException(launch.entry() + " (" + launch.source() + "): expected " + expected
                    + ", found " + found);
        }
    }
}
