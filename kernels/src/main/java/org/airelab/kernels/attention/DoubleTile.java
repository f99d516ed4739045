package org.airelab.kernels.attention;

import static org.airelab.kernels.cpu.Lanes.get;
import static org.airelab.kernels.cpu.Lanes.set;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * A small matrix of float64 on the heap. Memory it is copied from and to is of float32 and counts in elements. Each row
 * is an array of its own, so that the compiler sees that a loop over two of them may take several elements at a time.
 */
final class DoubleTile {
    private final double[][] rows;
    private final int columns;

    DoubleTile(int rows, int columns) {
        this.rows = new double[rows][columns];
        this.columns = columns;
    }

    double[] row(int r) {
        return rows[r];
    }

    /** Copies rows that begin {@code stride} apart. */
    void read(MemorySegment from, long first, int stride, int count) {
        for (var r = 0; r < count; r++) {
            for (var i = 0; i < columns; i++) {
                rows[r][i] = get(from, first + (long) r * stride + i);
            }
        }
    }

    /** Copies rows that begin {@code stride} apart into columns. */
    void readTransposed(MemorySegment from, long first, int stride, int count) {
        for (var r = 0; r < count; r++) {
            for (var i = 0; i < rows.length; i++) {
                rows[i][r] = get(from, first + (long) r * stride + i);
            }
        }
    }

    /** Copies rows to where they begin {@code stride} apart. */
    void write(MemorySegment to, long first, int stride, int count) {
        for (var r = 0; r < count; r++) {
            for (var i = 0; i < columns; i++) {
                set(to, first + (long) r * stride + i, (float) rows[r][i]);
            }
        }
    }

    /** Makes the first rows 0. */
    void clear(int count) {
        for (var r = 0; r < count; r++) {
            Arrays.fill(rows[r], 0);
        }
    }

    /** Multiplies a row by a factor. */
    void scale(int row, double factor) {
        var scaled = rows[row];
        for (var i = 0; i < columns; i++) {
            scaled[i] *= factor;
        }
    }

    /** The product of a row with the same row of another tile. */
    double dot(int row, DoubleTile other) {
        var sum = 0.0;
        for (var i = 0; i < columns; i++) {
            sum += rows[row][i] * other.rows[row][i];
        }
        return sum;
    }

    /** Adds to the first rows A X, with the first {@code depth} columns of A and rows of X. */
    void addProduct(int count, int depth, DoubleTile a, DoubleTile x) {
        for (var r = 0; r < count; r++) {
            for (var k = 0; k < depth; k++) {
                add(a.rows[r][k], x.rows[k], rows[r]);
            }
        }
    }

    /** Adds to the first rows A^T X, with the first {@code depth} rows of A and of X. */
    void addTransposedProduct(int count, int depth, DoubleTile a, DoubleTile x) {
        for (var r = 0; r < count; r++) {
            for (var k = 0; k < depth; k++) {
                add(a.rows[k][r], x.rows[k], rows[r]);
            }
        }
    }

    private static void add(double factor, double[] x, double[] sums) {
        for (var i = 0; i < sums.length; i++) {
            sums[i] += factor * x[i];
        }
    }
}
