package org.airelab.kernels.matmul;

import org.airelab.kernels.cpu.Cores;
import org.airelab.kernels.cpu.Parallel;
import org.airelab.kernels.cpu.Scratch;

/**
 * One product by packed panels. The matrices are cut into parts whose copies a last-level cache holds. Of each pair of
 * parts first all panels are copied, then all blocks of C computed: two loops of independent tasks. What one core has
 * written another has to fetch from its cache, though. So where a part of B is small and there are many rows, each
 * thread rather copies that part and some rows of A for itself alone, and computes those rows of C.
 *
 * <p>The sums of a block of k begin at 0 and are then added to C: that bounds how far rounding errors add up, and lets
 * alpha and beta be applied to sums instead of elements. The blocks of k follow from k alone, hence so do the bits.
 */
final class PackedProduct {
    /** Steps of k summed up in registers at most: with 512, results were up to 2.15 times as far off as libtorch's. */
    private static final int DEPTH = 384;
    /** Steps of k in a part at most. */
    private static final int PART_DEPTH = 4096;
    /** Elements of a part of A or of B at most: 16 MiB. */
    private static final int PART = 1 << 22;
    /** Rows of a part of A, or columns of one of B, at most: they bound the number of tasks. */
    private static final int PART_LINES = 1 << 14;
    /** Rows of a block of C at most, and at least; like the columns, a multiple of every tile's. */
    private static final int MOST_ROWS = 192;
    private static final int LEAST_ROWS = 24;
    /** Columns of a block of C: its panels of B are read once a panel of A, from the second-level cache. */
    private static final int BLOCK_COLUMNS = 192;
    /** Blocks of C wanted for each of several threads at least, so that they end at about the same time. */
    private static final int BLOCKS = 8;
    /** Elements of a part of B at most of which each thread makes a copy, 4 MiB: beyond 1.6 million it did not pay. */
    private static final int OWN_PART = 1 << 20;
    /** Rows at least for each such copy but the first: to copy an element takes about as long as 25 multiply-adds. */
    private static final int OWN_ROWS = 256;

    private final MatmulShape shape;
    private final RegisterTile tile;
    private final Strides strides;
    private final long a;
    private final long b;
    private final Ending ending;
    private final Cores cores;
    private final int depth;

    /**
     * A product of matrices at these addresses.
     *
     * @param bias 0 for none
     */
    PackedProduct(MatmulShape shape, RegisterTile tile, long a, long b, long bias, long c, Cores cores) {
        this.shape = shape;
        this.tile = tile;
        this.a = a;
        this.b = b;
        this.cores = cores;
        strides = Strides.of(shape);
        ending = new Ending(shape, bias, c);
        depth = Parallel.pieces(shape.k(), Parallel.pieces(shape.k(), DEPTH));
    }

    void run() {
        var k = Math.min(shape.k(), PART_DEPTH / depth * depth);
        var lines = Math.min(PART_LINES, PART / k);
        var rows = Math.min(shape.m(), lines / tile.rows() * tile.rows());
        var columns = Math.min(shape.n(), lines / tile.columns() * tile.columns());
        for (var p = 0; p < Parallel.pieces(shape.k(), k); p++) {
            for (var j = 0; j < Parallel.pieces(shape.n(), columns); j++) {
                for (var i = 0; i < Parallel.pieces(shape.m(), rows); i++) {
                    part(i * rows, j * columns, p * k, Math.min(rows, shape.m() - i * rows),
                            Math.min(columns, shape.n() - j * columns), Math.min(k, shape.k() - p * k));
                }
            }
        }
    }

    private void part(int i, int j, int p, int rows, int columns, int k) {
        var each = rowsOfCopy(rows, columns, k);
        if (each == rows) {
            new Part(i, j, p, rows, columns, k, cores).run();
            return;
        }
        cores.forRange(Parallel.pieces(rows, each), task -> new Part(i + task * each, j, p,
                Math.min(each, rows - task * each), columns, k, Cores.ONE).run());
    }

    /** For how many rows of A a copy of B is made: for all, or for those of a thread, where each makes its own. */
    int rowsOfCopy(int rows, int columns, int k) {
        var threads = cores.threads();
        if (threads == 1 || rows < OWN_ROWS * (threads - 1L) || (long) columns * k > OWN_PART) {
            return rows;
        }
        return Math.min(rows, Parallel.pieces(Parallel.pieces(rows, threads), tile.rows()) * tile.rows());
    }

    /** The sums over k steps of k from p on, in a part of C that begins at [i, j]. */
    private final class Part {
        private final int i;
        private final int j;
        private final int p;
        private final PackedOperand packedA;
        private final PackedOperand packedB;
        private final long tiles;
        private final boolean end;
        private final int blockRows;
        private final int rowBlocks;
        private final int columnBlocks;
        private final Cores cores;

        /** Its copies lie in the calling thread's scratch memory. */
        Part(int i, int j, int p, int rows, int columns, int k, Cores cores) {
            this.cores = cores;
            this.i = i;
            this.j = j;
            this.p = p;
            columnBlocks = Parallel.pieces(columns, BLOCK_COLUMNS);
            blockRows = blockRows(rows);
            rowBlocks = Parallel.pieces(rows, blockRows);
            packedA = new PackedOperand(tile.rows(), rows, k, depth);
            packedB = new PackedOperand(tile.columns(), columns, k, depth);
            var address = Scratch.address(packedA.bytes() + packedB.bytes() + tileBytes() * rowBlocks * columnBlocks);
            tiles = packedB.place(packedA.place(address));
            end = p + k == shape.k();
        }

        private long tileBytes() {
            return Scratch.aligned(4L * tile.rows() * tile.columns());
        }

        private int blockRows(int rows) {
            var wanted = cores.threads() == 1 ? 1 : BLOCKS * cores.threads();
            var each = MOST_ROWS;
            while (each > LEAST_ROWS && Parallel.pieces(rows, each) * columnBlocks < wanted) {
                each /= 2;
            }
            return each;
        }

        void run() {
            var fromA = a + i * strides.aRow() + p * strides.aDepth();
            var fromB = b + j * strides.bColumn() + p * strides.bDepth();
            var tasksA = packedA.tasks();
            cores.forRange(tasksA + packedB.tasks(), task -> {
                if (task < tasksA) {
                    packedA.copy(task, fromA, strides.aRow(), strides.aDepth());
                } else {
                    packedB.copy(task - tasksA, fromB, strides.bColumn(), strides.bDepth());
                }
            });
            cores.forRange(rowBlocks * columnBlocks, this::block);
        }

        private void block(int task) {
            var rowPanels = blockRows / tile.rows();
            var columnPanels = BLOCK_COLUMNS / tile.columns();
            var firstRow = task / columnBlocks * rowPanels;
            var firstColumn = task % columnBlocks * columnPanels;
            var endRow = Math.min(packedA.panels(), firstRow + rowPanels);
            var endColumn = Math.min(packedB.panels(), firstColumn + columnPanels);
            for (var d = 0; d < packedA.blocks(); d++) {
                for (var x = firstRow; x < endRow; x++) {
                    for (var y = firstColumn; y < endColumn; y++) {
                        tile(d, x, y, tiles + tileBytes() * task);
                    }
                }
            }
        }

        private void tile(int d, int x, int y, long sums) {
            tile.multiply(packedA.steps(d), packedA.panel(d, x), packedB.panel(d, y), sums);
            ending.merge(sums, 4L * tile.columns(), i + x * tile.rows(), j + y * tile.columns(), packedA.lines(x),
                    packedB.lines(y), p + d == 0, end && d + 1 == packedA.blocks());
        }
    }
}
