package org.airelab.kernels.matmul;

import java.util.List;
import java.util.Map;
import org.airelab.kernels.cuda.KernelSource;

/**
 * What a block of a CUDA rung computes, and what it takes to do so.
 *
 * @param m           rows of C, the macro BM
 * @param n           columns of C, the macro BN
 * @param threads     threads of the block
 * @param sharedBytes its dynamic shared memory
 * @param macros      further macros of the source
 */
record Tile(int m, int n, int threads, int sharedBytes, Map<String, Integer> macros) {
    /** A tile of a source without dynamic shared memory, a thread of which computes {@code perThread} elements. */
    static Tile of(int m, int n, int perThread) {
        return new Tile(m, n, m * n / perThread, 0, Map.of());
    }

    /** A tile of {@code mma.cu}, a warp of which computes WM x WN elements of it. */
    static Tile mma(int m, int n, int warpM, int warpN, int stages) {
        var warps = m / warpM * (n / warpN);
        var depth = 32; // BK of the source
        return new Tile(m, n, 32 * warps, stages * (m + n) * depth * Short.BYTES,
                Map.of("WM", warpM, "WN", warpN, "STAGES", stages));
    }

    /**
     * A tile of {@code wgmma.cu}: a warp group for each 64 rows and a producer, a warp or, of two, a warp group.
     *
     * @param resident blocks that a multiprocessor is to hold
     */
    static Tile wgmma(int m, int n, int stages, int resident) {
        var consumers = m / 64; // M, BK, STRIP and STAGING of the source
        var depth = 64;
        var strip = 16 * 64 * Short.BYTES;
        var staging = (n == 192 ? 3 : 2) * strip;
        var barriers = 2 * stages * Long.BYTES;
        return new Tile(m, n, 128 * consumers + (consumers > 1 ? 128 : 32),
                stages * (m + n) * depth * Short.BYTES + consumers * 4 * staging + barriers,
                Map.of("STAGES", stages, "RESIDENT", resident));
    }

    /** A tile of {@code prefetched.cu}, each 64 x 64 elements of which {@code slices} warps compute together. */
    static Tile sliced(int m, int n, int slices) {
        var warps = m / 64 * (n / 64) * slices;
        var stages = 3; // STAGES and DEPTH of the source
        var depth = slices == 1 ? 16 : 8 * slices;
        return new Tile(m, n, 32 * warps, stages * (m + n) * depth * Float.BYTES, Map.of("SLICES", slices));
    }

    /** Tiles that cover a result. */
    int count(MatmulShape shape) {
        return Math.toIntExact(Math.ceilDiv((long) shape.m(), m) * Math.ceilDiv((long) shape.n(), n));
    }

    KernelSource define(KernelSource source) {
        var defined = source.with("BM", m).with("BN", n);
        for (var macro : macros.keySet().stream().sorted().toList()) {
            defined = defined.with(macro, macros.get(macro));
        }
        return defined;
    }

    /**
     * The tile for a shape, of some ordered from the largest. A smaller one reads more for each product, so it is taken
     * only if it at least halves what the busiest multiprocessor computes: where C is small, or has few rows or
     * columns.
     */
    static Tile choose(List<Tile> tiles, MatmulShape shape, int multiprocessors) {
        var best = tiles.getFirst();
        for (var tile : tiles) {
            if (2 * tile.load(shape, multiprocessors) <= best.load(shape, multiprocessors)) {
                best = tile;
            }
        }
        return best;
    }

    private long load(MatmulShape shape, int multiprocessors) {
        return (long) Math.ceilDiv(count(shape), multiprocessors) * m * n;
    }
}
