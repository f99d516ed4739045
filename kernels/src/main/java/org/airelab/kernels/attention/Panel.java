package org.airelab.kernels.attention;

import static org.airelab.kernels.cpu.Lanes.broadcast;
import static org.airelab.kernels.cpu.Lanes.load;
import static org.airelab.kernels.cpu.Lanes.store;

import jdk.incubator.vector.FloatVector;

/**
 * Products of a small matrix with a panel sixteen columns wide, C[r, 0..15] += sum over k of A[r, k] X[k, 0..15]: the
 * loop that both passes of attention are made of. Addresses and strides are in bytes.
 *
 * <p>Sixteen columns are two vectors: each element of A that is broadcast then serves two multiplications, which is what
 * keeps the loads below the multiplications. Four rows of X stay in registers while the rows of C go by
 * ({@link #addFour}), or, where C has few rows, four rows of C while the rows of X go by ({@link #gatherFour}). The
 * methods are short on purpose: beyond some size the compiler boxes vectors without a word.
 */
final class Panel {
    /** Columns of a panel. */
    static final int COLUMNS = 16;
    /** Bytes of a panel's row. */
    static final int ROW = 4 * COLUMNS;

    private static final int HALF = ROW / 2;
    /** C with at most this many rows stays in registers. */
    private static final int FEW_ROWS = 16;

    private Panel() {}

    /** C += A X. */
    static void add(int rows, int depth, long a, long aRow, long aDepth, long x, long xDepth, long c, long cRow) {
        if (rows <= FEW_ROWS && rows < depth) {
            var r = 0;
            for (; r + 4 <= rows; r += 4) {
                gatherFour(depth, a + r * aRow, aRow, aDepth, x, xDepth, c + r * cRow, cRow);
            }
            for (; r < rows; r++) {
                gatherOne(depth, a + r * aRow, aDepth, x, xDepth, c + r * cRow);
            }
            return;
        }
        addFrom(0, rows, depth, a, aRow, aDepth, x, xDepth, c, cRow);
    }

    /** C = start + A X, with {@code start} one row for all rows of C. */
    static void set(int rows, int depth, long a, long aRow, long aDepth, long x, long xDepth, long start, long c,
            long cRow) {
        if (depth >= 4) {
            setFour(rows, a, aRow, aDepth, x, xDepth, start, c, cRow);
            addFrom(4, rows, depth, a, aRow, aDepth, x, xDepth, c, cRow);
        } else {
            setOne(rows, a, aRow, x, start, c, cRow);
            addFrom(1, rows, depth, a, aRow, aDepth, x, xDepth, c, cRow);
        }
    }

    private static void addFrom(int first, int rows, int depth, long a, long aRow, long aDepth, long x, long xDepth,
            long c, long cRow) {
        var k = first;
        for (; k + 4 <= depth; k += 4) {
            addFour(rows, a + k * aDepth, aRow, aDepth, x + k * xDepth, xDepth, c, cRow);
        }
        for (; k < depth; k++) {
            addOne(rows, a + k * aDepth, aRow, x + k * xDepth, c, cRow);
        }
    }

    private static void addFour(int rows, long a, long aRow, long aDepth, long x, long xDepth, long c, long cRow) {
        FloatVector x0 = load(x), y0 = load(x + HALF);
        FloatVector x1 = load(x + xDepth), y1 = load(x + xDepth + HALF);
        FloatVector x2 = load(x + 2 * xDepth), y2 = load(x + 2 * xDepth + HALF);
        FloatVector x3 = load(x + 3 * xDepth), y3 = load(x + 3 * xDepth + HALF);
        for (var r = 0; r < rows; r++) {
            var e = broadcast(a);
            var u = e.fma(x0, load(c));
            var v = e.fma(y0, load(c + HALF));
            e = broadcast(a + aDepth);
            u = e.fma(x1, u);
            v = e.fma(y1, v);
            e = broadcast(a + 2 * aDepth);
            u = e.fma(x2, u);
            v = e.fma(y2, v);
            e = broadcast(a + 3 * aDepth);
            store(e.fma(x3, u), c);
            store(e.fma(y3, v), c + HALF);
            a += aRow;
            c += cRow;
        }
    }

    private static void setFour(int rows, long a, long aRow, long aDepth, long x, long xDepth, long start, long c,
            long cRow) {
        FloatVector x0 = load(x), y0 = load(x + HALF);
        FloatVector x1 = load(x + xDepth), y1 = load(x + xDepth + HALF);
        FloatVector x2 = load(x + 2 * xDepth), y2 = load(x + 2 * xDepth + HALF);
        FloatVector x3 = load(x + 3 * xDepth), y3 = load(x + 3 * xDepth + HALF);
        FloatVector u0 = load(start), v0 = load(start + HALF);
        for (var r = 0; r < rows; r++) {
            var e = broadcast(a);
            var u = e.fma(x0, u0);
            var v = e.fma(y0, v0);
            e = broadcast(a + aDepth);
            u = e.fma(x1, u);
            v = e.fma(y1, v);
            e = broadcast(a + 2 * aDepth);
            u = e.fma(x2, u);
            v = e.fma(y2, v);
            e = broadcast(a + 3 * aDepth);
            store(e.fma(x3, u), c);
            store(e.fma(y3, v), c + HALF);
            a += aRow;
            c += cRow;
        }
    }

    private static void addOne(int rows, long a, long aRow, long x, long c, long cRow) {
        FloatVector x0 = load(x), y0 = load(x + HALF);
        for (var r = 0; r < rows; r++) {
            var e = broadcast(a);
            store(e.fma(x0, load(c)), c);
            store(e.fma(y0, load(c + HALF)), c + HALF);
            a += aRow;
            c += cRow;
        }
    }

    private static void setOne(int rows, long a, long aRow, long x, long start, long c, long cRow) {
        FloatVector x0 = load(x), y0 = load(x + HALF);
        FloatVector u0 = load(start), v0 = load(start + HALF);
        for (var r = 0; r < rows; r++) {
            var e = broadcast(a);
            store(e.fma(x0, u0), c);
            store(e.fma(y0, v0), c + HALF);
            a += aRow;
            c += cRow;
        }
    }

    private static void gatherFour(int depth, long a, long aRow, long aDepth, long x, long xDepth, long c, long cRow) {
        FloatVector u0 = load(c), v0 = load(c + HALF);
        FloatVector u1 = load(c + cRow), v1 = load(c + cRow + HALF);
        FloatVector u2 = load(c + 2 * cRow), v2 = load(c + 2 * cRow + HALF);
        FloatVector u3 = load(c + 3 * cRow), v3 = load(c + 3 * cRow + HALF);
        for (var k = 0; k < depth; k++) {
            FloatVector p = load(x), q = load(x + HALF);
            var e = broadcast(a);
            u0 = e.fma(p, u0);
            v0 = e.fma(q, v0);
            e = broadcast(a + aRow);
            u1 = e.fma(p, u1);
            v1 = e.fma(q, v1);
            e = broadcast(a + 2 * aRow);
            u2 = e.fma(p, u2);
            v2 = e.fma(q, v2);
            e = broadcast(a + 3 * aRow);
            u3 = e.fma(p, u3);
            v3 = e.fma(q, v3);
            a += aDepth;
            x += xDepth;
        }
        storePair(u0, v0, c);
        storePair(u1, v1, c + cRow);
        storePair(u2, v2, c + 2 * cRow);
        storePair(u3, v3, c + 3 * cRow);
    }

    private static void gatherOne(int depth, long a, long aDepth, long x, long xDepth, long c) {
        FloatVector u = load(c), v = load(c + HALF);
        for (var k = 0; k < depth; k++) {
            var e = broadcast(a);
            u = e.fma(load(x), u);
            v = e.fma(load(x + HALF), v);
            a += aDepth;
            x += xDepth;
        }
        storePair(u, v, c);
    }

    private static void storePair(FloatVector u, FloatVector v, long c) {
        store(u, c);
        store(v, c + HALF);
    }
}
