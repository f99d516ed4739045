package org.airelab.kernels.matmul;

import java.util.ArrayList;
import java.util.List;

/**
 * How the blocks of {@code wgmma.cu} share the tiles of a product: some whole, the rest in slices along k. The one that
 * is estimated to take the least time is taken. The estimate's nine constants are fitted to the times that the tiles
 * took on an H100 for nine products, of 512 x 512 x 512 to 4096 x 4096 x 4096 and of 768 x 768 x 32768:
 * {@code kernels/docs/matmul-wgmma.md} has them. On another device they are a guess.
 *
 * @param tile   what a block computes at a time
 * @param whole  tiles that a block computes in one piece
 * @param rest   further ones, which are sliced
 * @param slices parts of each of those, which another kernel adds; 1 where there are none
 * @param grid   blocks, at most as many as the device holds at a time
 */
record WgmmaSchedule(Tile tile, int whole, int rest, int slices, int grid) {
    /** Those to choose from, and of two that are estimated to take as long, the one before the other. */
    static final List<Tile> TILES = List.of(Tile.wgmma(128, 256, 4, 1), Tile.wgmma(128, 192, 4, 1),
            Tile.wgmma(128, 128, 6, 1), Tile.wgmma(64, 128, 8, 1), Tile.wgmma(64, 64, 6, 2));

    /** Threads of a block of the kernel that adds slices, and elements each of them ends. */
    static final int SUM_THREADS = 256;
    private static final int SUM_ELEMENTS = 4;
    /** BK of the source. */
    private static final int DEPTH = 64;
    private static final int LEAST_STEPS = 4;
    private static final int MOST_SLICES = 32;

    // The fitted constants. Products and bytes of operands in a nanosecond: a multiprocessor's, which deals with both
    // at once; and the whole device's, which takes its time for each, and which all busy multiprocessors share.
    private static final double PRODUCTS = 3100;
    private static final double ALL_PRODUCTS = 390_000;
    private static final double BYTES = 120;
    private static final double ALL_BYTES = 89_000;
    // Elements of C that a multiprocessor ends in a nanosecond, and that the whole device writes.
    private static final double ENDS = 49;
    private static final double ALL_ENDS = 3400;
    // Nanoseconds of a launch, and of the one that adds slices; bytes that a multiprocessor then moves in one.
    private static final double LAUNCH = 2300;
    private static final double SUM = 1300;
    private static final double SUM_BYTES = 40;

    /** The schedule of those with the tiles given that is estimated to take the least time. */
    static WgmmaSchedule of(List<Tile> tiles, MatmulShape shape, int multiprocessors) {
        WgmmaSchedule best = null;
        var least = Double.POSITIVE_INFINITY;
        for (var tile : tiles) {
            for (var schedule : schedules(tile, shape, multiprocessors)) {
                var time = schedule.nanoseconds(shape, multiprocessors);
                if (time < least) {
                    best = schedule;
                    least = time;
                }
            }
        }
        return best;
    }

    /** All of a tile in whole, or those in slices that are left when all blocks have computed as many. */
    private static List<WgmmaSchedule> schedules(Tile tile, MatmulShape shape, int multiprocessors) {
        var count = tile.count(shape);
        var blocks = resident(tile) * multiprocessors;
        var schedules = new ArrayList<>(List.of(new WgmmaSchedule(tile, count, 0, 1, Math.min(count, blocks))));
        var rest = count % blocks;
        var most = Math.min(MOST_SLICES, Math.ceilDiv(shape.k(), DEPTH) / LEAST_STEPS);
        for (var slices = 2; slices <= most && rest > 0; slices++) {
            schedules.add(new WgmmaSchedule(tile, count - rest, rest, slices,
                    Math.min(count - rest + rest * slices, blocks)));
        }
        return schedules;
    }

    private static int resident(Tile tile) {
        return tile.macros().get("RESIDENT");
    }

    /** The time that this is estimated to take. */
    double nanoseconds(MatmulShape shape, int multiprocessors) {
        var steps = Math.ceilDiv(shape.k(), DEPTH);
        var time = LAUNCH + units(whole, steps, multiprocessors)
                + units(rest * slices, Math.ceilDiv(steps, slices), multiprocessors);
        return rest == 0 ? time : time + SUM + 2.0 * sliceBytes() / (SUM_BYTES * multiprocessors);
    }

    /** That of units of so many steps: first rounds of as many as the device holds, then those that are left. */
    private double units(int units, int steps, int multiprocessors) {
        var blocks = resident(tile) * multiprocessors;
        var left = units % blocks;
        var busy = Math.min(left, multiprocessors);
        return units / blocks * resident(tile) * unit(steps, multiprocessors)
                + (left == 0 ? 0 : Math.ceilDiv(left, multiprocessors) * unit(steps, busy));
    }

    /** That of a unit while so many multiprocessors are at work. */
    private double unit(int steps, int busy) {
        var elements = tile.m() * tile.n();
        var products = (double) elements * DEPTH;
        var bytes = (double) (tile.m() + tile.n()) * DEPTH * Short.BYTES;
        var step = Math.max(busy * (products / ALL_PRODUCTS + bytes / ALL_BYTES),
                Math.max(products / PRODUCTS, bytes / BYTES));
        return steps * step + elements / ENDS + elements * busy / ALL_ENDS;
    }

    /** What the slices keep: the float32 sums of their tiles. */
    long sliceBytes() {
        return (long) slices * rest * tile.m() * tile.n() * Float.BYTES;
    }

    /** Blocks of the kernel that adds the slices. */
    int sumGrid() {
        return Math.toIntExact((long) rest * tile.m() * tile.n() / (SUM_THREADS * SUM_ELEMENTS));
    }
}
