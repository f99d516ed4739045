package org.airelab.kernels.matmul;

import org.airelab.kernels.cpu.Cores;

/**
 * {@link Matmul} on packed panels and all cores.
 *
 * <p>Adds to the packed rung: both its loops of tasks, over groups of panels and over blocks of C, run in parallel, on
 * packed copies that are shared; or, where B is small and A has many rows, each thread computes some rows of C from
 * copies of its own. An element is the work of one task over all of k, so no sum depends on the threads. Measured on 2
 * cores of an Intel Xeon with AVX-512 (benchmarks/reports/20261127-Intel-Xeon): at 256 x 256 x 256 1.8 times the packed
 * rung, 241 GFLOP/s, 0.85 times libtorch's speed; at 1024 x 1024 x 1024 297 GFLOP/s, 0.83 times libtorch's. On an AMD
 * EPYC (Zen 4), before sums along k were formed in shorter parts (20261126-AMD-EPYC), at 1024 x 1024 x 1024 172
 * GFLOP/s, 1.20 times libtorch's.
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
