package org.airelab.kernels.cuda;

/**
 * One launch of a kernel, all but its arguments.
 *
 * @param source      where the kernel is defined
 * @param entry       its {@code extern "C"} name
 * @param gridX       blocks along x, at least 1
 * @param gridY       blocks along y, at least 1
 * @param gridZ       blocks along z, at least 1
 * @param block       threads of a block, 1 to 1024; blocks are one-dimensional
 * @param sharedBytes dynamic shared memory of a block
 * @param cluster     blocks of a cluster along x (sm_90 and up), 1 for none
 */
public record Launch(KernelSource source, String entry, int gridX, int gridY, int gridZ, int block, int sharedBytes,
        int cluster) {
    /** Largest grid along y and z that CUDA takes. */
    private static final int MOST_YZ = 65_535;
    private static final int MOST_THREADS = 1024;

    public Launch {
        require(gridX >= 1, entry, "a grid of at least 1 block along x", gridX);
        require(gridY >= 1 && gridY <= MOST_YZ, entry, "a grid of 1 to 65535 blocks along y", gridY);
        require(gridZ >= 1 && gridZ <= MOST_YZ, entry, "a grid of 1 to 65535 blocks along z", gridZ);
        require(block >= 1 && block <= MOST_THREADS, entry, "a block of 1 to 1024 threads", block);
        require(sharedBytes >= 0, entry, "shared memory of at least 0 bytes", sharedBytes);
        require(cluster >= 1 && gridX % cluster == 0, entry, "a cluster that divides the grid of " + gridX, cluster);
    }

    private static void require(boolean condition, String entry, String expected, int found) {
        if (!condition) {
            throw new IllegalArgumentException(entry + ": expected " + expected + ", found " + found);
        }
    }

    /** A one-dimensional grid without dynamic shared memory. */
    public static Launch of(KernelSource source, String entry, int grid, int block) {
        return new Launch(source, entry, grid, 1, 1, block, 0, 1);
    }

    /** The same launch with dynamic shared memory. */
    public Launch withShared(int bytes) {
        return new Launch(source, entry, gridX, gridY, gridZ, block, bytes, cluster);
    }
}
