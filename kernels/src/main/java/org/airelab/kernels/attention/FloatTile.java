package org.airelab.kernels.attention;

import static org.airelab.kernels.cpu.Lanes.get;
import static org.airelab.kernels.cpu.Lanes.set;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/** A small row-major matrix on the heap. Memory it is copied from and to counts in elements. */
final class FloatTile {
    final float[] values;
    private final int columns;

    FloatTile(int rows, int columns) {
        this.values = new float[rows * columns];
        this.columns = columns;
    }

    /** Copies rows that begin {@code stride} apart. */
    void read(MemorySegment from, long first, int stride, int rows) {
        for (var r = 0; r < rows; r++) {
            for (var i = 0; i < columns; i++) {
                values[r * columns + i] = get(from, first + (long) r * stride + i);
            }
        }
    }

    /** Copies rows that begin {@code stride} apart into columns. */
    void readTransposed(MemorySegment from, long first, int stride, int rows) {
        for (var i = 0; i < values.length / columns; i++) {
            for (var r = 0; r < rows; r++) {
                values[i * columns + r] = get(from, first + (long) r * stride + i);
            }
        }
    }

    /** Copies rows to where they begin {@code stride} apart. */
    void write(MemorySegment to, long first, int stride, int rows) {
        for (var r = 0; r < rows; r++) {
            for (var i = 0; i < columns; i++) {
                set(to, first + (long) r * stride + i, values[r * columns + i]);
            }
        }
    }

    /** Makes the first rows 0. */
    void clear(int rows) {
        Arrays.fill(values, 0, rows * columns, 0);
    }

    void multiplyRow(int row, float factor) {
        for (var i = row * columns; i < (row + 1) * columns; i++) {
            values[i] *= factor;
        }
    }

    /** The product of a row with the same row of another tile. */
    float dot(int row, FloatTile other) {
        var sum = 0f;
        for (var i = row * columns; i < (row + 1) * columns; i++) {
            sum += values[i] * other.values[i];
        }
        return sum;
    }

    /** Adds to the first rows A X, with the first {@code depth} columns of A and rows of X. */
    void addProduct(int rows, int depth, FloatTile a, FloatTile x) {
        for (var r = 0; r < rows; r++) {
            for (var k = 0; k < depth; k++) {
                addRow(a.values[r * a.columns + k], x, k, r);
            }
        }
    }

    /** Adds to the first rows A^T X, with the first {@code depth} rows of A and of X. */
    void addTransposedProduct(int rows, int depth, FloatTile a, FloatTile x) {
        for (var r = 0; r < rows; r++) {
            for (var k = 0; k < depth; k++) {
                addRow(a.values[k * a.columns + r], x, k, r);
            }
        }
    }

    private void addRow(float factor, FloatTile x, int from, int to) {
        for (var i = 0; i < columns; i++) {
            values[to * columns + i] += factor * x.values[from * columns + i];
        }
    }
}
