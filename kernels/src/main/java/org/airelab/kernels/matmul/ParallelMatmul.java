package org.airelab.kernels.matmul;

import org.airelab.kernels.cpu.Cores;

/**
 * {@link Matmul} on packed panels and all cores.
 *
 * <p>Adds to the packed rung: both its loops of tasks, over groups of panels and over blocks of C, run in parallel; the
 * packed copies are shared. A block is the work of one task over all of k, so no sum depends on the threads.
 * Measured at 1024 x 1024 x 1024 on 2 cores of an AMD EPYC (Zen 4) server: on 25 November 2026 1.9 times the packed
 * rung, 173 GFLOP/s, 0.96 times libtorch's speed in the same run; on 26 November 172 GFLOP/s, 1.20 times libtorch's by
 * the medians and 1.0 by the shortest samples, as libtorch's lay between 11.6 and 22.4 ms. At 256 x 256 x 256 on that
 * day 1.7 times the packed rung, 154 GFLOP/s, 0.96 times libtorch's.
 */
final class ParallelMatmul extends PackedMatmul {
    ParallelMatmul(RegisterTile tile) {
        super(tile);
    }

    @Override
    public String name() {
        return "parallel";
    }

    @Override
    public Cores cores() {
        return Cores.ALL;
    }
}
