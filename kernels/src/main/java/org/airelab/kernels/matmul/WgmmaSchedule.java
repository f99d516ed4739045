package org.airelab.kernels.matmul;

import java.util.Map;

/**
 * How the blocks of {@code wgmma.cu} share the tiles of a product: some whole, the rest in slices along k.
 *
 * @param whole  tiles that a block computes in one piece
 * @param rest   further ones, which are sliced
 * @param slices parts of each of those, which another kernel adds; 1 where there are none
 * @param grid   blocks, at most one for each multiprocessor
 */
record WgmmaSchedule(int whole, int rest, int slices, int grid) {
    /** BM x BN, a producer's and two consumers' warp groups, and what DYNAMIC_SHARED of the source is divided into. */
    static final Tile TILE = tile(128, 256);
    /** Threads of a block of the kernel that adds slices, and elements each of them ends. */
    static final int SUM_THREADS = 256;
    private static final int SUM_ELEMENTS = 4;
    /** BK of the source. */
    private static final int DEPTH = 64;
    /** What ending a tile takes, and adding slices, in the time of one step of DEPTH along k: estimates. */
    private static final double TILE_END = 1;
    private static final double SUM_LAUNCH = 4;
    /** Bytes that a multiprocessor reads or writes in that time. */
    private static final double STEP_BYTES = 24_576;
    private static final int LEAST_STEPS = 4;
    private static final int MOST_SLICES = 32;

    private static Tile tile(int m, int n) {
        var stages = 4;
        var ring = stages * (m + n) * DEPTH * Short.BYTES;
        var staging = 8 * 2 * 16 * 64 * Short.BYTES;
        var barriers = 2 * stages * Long.BYTES;
        return new Tile(m, n, 3 * 128, ring + staging + barriers, Map.of());
    }

    /** Slices the tiles that are left when all blocks have computed as many as each other, if that should pay. */
    static WgmmaSchedule of(MatmulShape shape, int multiprocessors) {
        var tiles = TILE.count(shape);
        var rest = tiles % multiprocessors;
        var steps = Math.ceilDiv(shape.k(), DEPTH);
        var best = 1;
        var least = steps + TILE_END;
        for (var slices = 2; slices <= Math.min(MOST_SLICES, steps / LEAST_STEPS) && rest > 0; slices++) {
            var bytes = 2.0 * Float.BYTES * slices * rest * TILE.m() * TILE.n();
            var time = Math.ceilDiv(rest * slices, multiprocessors) * (Math.ceilDiv(steps, slices) + TILE_END)
                    + SUM_LAUNCH + bytes / (multiprocessors * STEP_BYTES);
            if (time < least) {
                best = slices;
                least = time;
            }
        }
        var sliced = best == 1 ? 0 : rest;
        return new WgmmaSchedule(tiles - sliced, sliced, best,
                Math.min(tiles - sliced + sliced * best, multiprocessors));
    }

    /** What the slices keep: the float32 sums of their tiles. */
    long sliceBytes() {
        return (long) slices * rest * TILE.m() * TILE.n() * Float.BYTES;
    }

    /** Blocks of the kernel that adds the slices. */
    int sumGrid() {
        return Math.toIntExact((long) rest * TILE.m() * TILE.n() / (SUM_THREADS * SUM_ELEMENTS));
    }
}
