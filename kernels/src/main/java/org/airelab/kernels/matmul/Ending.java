package org.airelab.kernels.matmul;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static jdk.incubator.vector.FloatVector.fromMemorySegment;
import static org.airelab.kernels.cpu.Lanes.COUNT;
import static org.airelab.kernels.cpu.Lanes.load;
import static org.airelab.kernels.cpu.Lanes.store;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;
import org.airelab.kernels.cpu.Lanes;
import org.airelab.kernels.matmul.MatmulShape.Epilogue;

/** What follows the sums of a product: alpha, beta, bias and epilogue, from a tile of sums into C. */
final class Ending {
    private static final VectorSpecies<Float> F = Lanes.FLOATS;
    private static final VectorSpecies<Float> WIDE = Lanes.WIDE;
    private static final MemorySegment M = Lanes.MEMORY;

    private final MatmulShape shape;
    private final long bias;
    private final long c;
    private final long cRow;

    /** Ends a product at these addresses of the bias, 0 for none, and of C. */
    Ending(MatmulShape shape, long bias, long c) {
        this.shape = shape;
        this.bias = bias;
        this.c = c;
        cRow = 4L * shape.n();
    }

    /**
     * Merges a tile of sums over some of the k into C.
     *
     * @param tile    address of its first row
     * @param tileRow bytes from one row of the tile to the next; eight lanes are read from its last column on
     * @param i       row of C where the tile begins
     * @param j       column of C where the tile begins
     * @param first   whether these are the first sums of the elements
     * @param last    whether no more sums follow
     */
    void merge(long tile, long tileRow, int i, int j, int rows, int columns, boolean first, boolean last) {
        var at = c + i * cRow + 4L * j;
        var beta = first ? shape.beta() : 1;
        var finish = last && (bias != 0 || shape.epilogue() != Epilogue.NONE);
        for (var x = 0; x < columns; x += WIDE.length()) {
            if (columns - x < WIDE.length()) {
                for (var y = x; y < columns; y += COUNT) {
                    fewer(Math.min(COUNT, columns - y), rows, tile + 4L * y, tileRow, at + 4L * y, beta);
                }
            } else if (beta == 0) {
                set(rows, tile + 4L * x, tileRow, at + 4L * x, cRow, shape.alpha());
            } else {
                add(rows, tile + 4L * x, tileRow, at + 4L * x, cRow, shape.alpha(), beta);
            }
        }
        for (var x = 0; finish && x < columns; x += COUNT) {
            finish(Math.min(COUNT, columns - x), rows, at + 4L * x, bias == 0 ? Lanes.ZEROS : bias + 4L * (j + x));
        }
    }

    private static void set(int rows, long tile, long tileRow, long c, long cRow, float alpha) {
        var factor = FloatVector.broadcast(WIDE, alpha);
        for (var r = 0; r < rows; r++) {
            fromMemorySegment(WIDE, M, tile, LITTLE_ENDIAN).mul(factor).intoMemorySegment(M, c, LITTLE_ENDIAN);
            tile += tileRow;
            c += cRow;
        }
    }

    private static void add(int rows, long tile, long tileRow, long c, long cRow, float alpha, float beta) {
        var factor = FloatVector.broadcast(WIDE, alpha);
        var other = FloatVector.broadcast(WIDE, beta);
        for (var r = 0; r < rows; r++) {
            var before = fromMemorySegment(WIDE, M, c, LITTLE_ENDIAN).mul(other);
            fromMemorySegment(WIDE, M, tile, LITTLE_ENDIAN).fma(factor, before).intoMemorySegment(M, c, LITTLE_ENDIAN);
            tile += tileRow;
            c += cRow;
        }
    }

    private void fewer(int lanes, int rows, long tile, long tileRow, long at, float beta) {
        var factor = Lanes.broadcast(shape.alpha());
        for (var r = 0; r < rows; r++) {
            var sums = load(tile + r * tileRow);
            store(beta == 0 ? sums.mul(factor) : sums.fma(factor, load(at + r * cRow, lanes).mul(beta)),
                    at + r * cRow, lanes);
        }
    }

    private void finish(int lanes, int rows, long at, long bias) {
        var added = load(bias, lanes);
        for (var r = 0; r < rows; r++) {
            var x = load(at + r * cRow, lanes).add(added);
            store(switch (shape.epilogue()) {
                case NONE -> x;
                case GELU -> Epilogues.gelu(x);
                case SILU -> Epilogues.silu(x);
            }, at + r * cRow, lanes);
        }
    }
}
