package org.airelab.kernels.attention;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static jdk.incubator.vector.FloatVector.fromMemorySegment;
import static jdk.incubator.vector.IntVector.broadcast;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorSpecies;
import org.airelab.kernels.cpu.Lanes;

/**
 * Products of a small matrix with a panel sixteen columns wide, C[r, 0..15] += sum over k of A[r, k] X[k, 0..15]: the
 * loop that both passes of attention are made of. Addresses and strides are in bytes.
 *
 * <p>Sixteen columns are two vectors: each element of A that is broadcast then serves two multiplications, which keeps
 * the loads below the multiplications. Four rows of X stay in registers while the rows of C go by
 * ({@link #addFour}), or, where C has few rows, four rows of C while the rows of X go by ({@link #gatherFour}).
 *
 * <p>The loops are written for the compiler. They call the Vector API without a helper between, because only methods of
 * the JDK are inlined however large the caller has grown; a helper that is not inlined boxes its vectors. And they are
 * longer than 325 bytes of bytecode, so that they are compiled by themselves and not into their callers.
 */
final class Panel {
    /** Columns of a panel. */
    static final int COLUMNS = 16;
    /** Bytes of a panel's row. */
    static final int ROW = 4 * COLUMNS;

    private static final int HALF = ROW / 2;
    private static final VectorSpecies<Float> F = Lanes.FLOATS;
    private static final VectorSpecies<Integer> I = IntVector.SPECIES_256;
    private static final MemorySegment M = Lanes.MEMORY;
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

    /** C = A X. */
    static void set(int rows, int depth, long a, long aRow, long aDepth, long x, long xDepth, long c, long cRow) {
        set(rows, depth, a, aRow, aDepth, x, xDepth, Lanes.ZEROS, c, cRow);
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
        var x0 = fromMemorySegment(F, M, x, LITTLE_ENDIAN);
        var y0 = fromMemorySegment(F, M, x + HALF, LITTLE_ENDIAN);
        var x1 = fromMemorySegment(F, M, x + xDepth, LITTLE_ENDIAN);
        var y1 = fromMemorySegment(F, M, x + xDepth + HALF, LITTLE_ENDIAN);
        var x2 = fromMemorySegment(F, M, x + 2 * xDepth, LITTLE_ENDIAN);
        var y2 = fromMemorySegment(F, M, x + 2 * xDepth + HALF, LITTLE_ENDIAN);
        var x3 = fromMemorySegment(F, M, x + 3 * xDepth, LITTLE_ENDIAN);
        var y3 = fromMemorySegment(F, M, x + 3 * xDepth + HALF, LITTLE_ENDIAN);
        for (var r = 0; r < rows; r++) {
            var e = broadcast(I, M.get(JAVA_INT_UNALIGNED, a)).reinterpretAsFloats();
            var u = e.fma(x0, fromMemorySegment(F, M, c, LITTLE_ENDIAN));
            var v = e.fma(y0, fromMemorySegment(F, M, c + HALF, LITTLE_ENDIAN));
            e = broadcast(I, M.get(JAVA_INT_UNALIGNED, a + aDepth)).reinterpretAsFloats();
            u = e.fma(x1, u);
            v = e.fma(y1, v);
            e = broadcast(I, M.get(JAVA_INT_UNALIGNED, a + 2 * aDepth)).reinterpretAsFloats();
            u = e.fma(x2, u);
            v = e.fma(y2, v);
            e = broadcast(I, M.get(JAVA_INT_UNALIGNED, a + 3 * aDepth)).reinterpretAsFloats();
            e.fma(x3, u).intoMemorySegment(M, c, LITTLE_ENDIAN);
            e.fma(y3, v).intoMemorySegment(M, c + HALF, LITTLE_ENDIAN);
            a += aRow;
            c += cRow;
        }
    }

    private static void setFour(int rows, long a, long aRow, long aDepth, long x, long xDepth, long start, long c,
            long cRow) {
        var x0 = fromMemorySegment(F, M, x, LITTLE_ENDIAN);
        var y0 = fromMemorySegment(F, M, x + HALF, LITTLE_ENDIAN);
        var x1 = fromMemorySegment(F, M, x + xDepth, LITTLE_ENDIAN);
        var y1 = fromMemorySegment(F, M, x + xDepth + HALF, LITTLE_ENDIAN);
        var x2 = fromMemorySegment(F, M, x + 2 * xDepth, LITTLE_ENDIAN);
        var y2 = fromMemorySegment(F, M, x + 2 * xDepth + HALF, LITTLE_ENDIAN);
        var x3 = fromMemorySegment(F, M, x + 3 * xDepth, LITTLE_ENDIAN);
        var y3 = fromMemorySegment(F, M, x + 3 * xDepth + HALF, LITTLE_ENDIAN);
        var u0 = fromMemorySegment(F, M, start, LITTLE_ENDIAN);
        var v0 = fromMemorySegment(F, M, start + HALF, LITTLE_ENDIAN);
        for (var r = 0; r < rows; r++) {
            var e = broadcast(I, M.get(JAVA_INT_UNALIGNED, a)).reinterpretAsFloats();
            var u = e.fma(x0, u0);
            var v = e.fma(y0, v0);
            e = broadcast(I, M.get(JAVA_INT_UNALIGNED, a + aDepth)).reinterpretAsFloats();
            u = e.fma(x1, u);
            v = e.fma(y1, v);
            e = broadcast(I, M.get(JAVA_INT_UNALIGNED, a + 2 * aDepth)).reinterpretAsFloats();
            u = e.fma(x2, u);
            v = e.fma(y2, v);
            e = broadcast(I, M.get(JAVA_INT_UNALIGNED, a + 3 * aDepth)).reinterpretAsFloats();
            e.fma(x3, u).intoMemorySegment(M, c, LITTLE_ENDIAN);
            e.fma(y3, v).intoMemorySegment(M, c + HALF, LITTLE_ENDIAN);
            a += aRow;
            c += cRow;
        }
    }

    private static void addOne(int rows, long a, long aRow, long x, long c, long cRow) {
        var x0 = fromMemorySegment(F, M, x, LITTLE_ENDIAN);
        var y0 = fromMemorySegment(F, M, x + HALF, LITTLE_ENDIAN);
        for (var r = 0; r < rows; r++) {
            var e = broadcast(I, M.get(JAVA_INT_UNALIGNED, a)).reinterpretAsFloats();
            e.fma(x0, fromMemorySegment(F, M, c, LITTLE_ENDIAN)).intoMemorySegment(M, c, LITTLE_ENDIAN);
            e.fma(y0, fromMemorySegment(F, M, c + HALF, LITTLE_ENDIAN)).intoMemorySegment(M, c + HALF, LITTLE_ENDIAN);
            a += aRow;
            c += cRow;
        }
    }

    private static void setOne(int rows, long a, long aRow, long x, long start, long c, long cRow) {
        var x0 = fromMemorySegment(F, M, x, LITTLE_ENDIAN);
        var y0 = fromMemorySegment(F, M, x + HALF, LITTLE_ENDIAN);
        var u0 = fromMemorySegment(F, M, start, LITTLE_ENDIAN);
        var v0 = fromMemorySegment(F, M, start + HALF, LITTLE_ENDIAN);
        for (var r = 0; r < rows; r++) {
            var e = broadcast(I, M.get(JAVA_INT_UNALIGNED, a)).reinterpretAsFloats();
            e.fma(x0, u0).intoMemorySegment(M, c, LITTLE_ENDIAN);
            e.fma(y0, v0).intoMemorySegment(M, c + HALF, LITTLE_ENDIAN);
            a += aRow;
            c += cRow;
        }
    }

    private static void gatherFour(int depth, long a, long aRow, long aDepth, long x, long xDepth, long c, long cRow) {
        var u0 = fromMemorySegment(F, M, c, LITTLE_ENDIAN);
        var v0 = fromMemorySegment(F, M, c + HALF, LITTLE_ENDIAN);
        var u1 = fromMemorySegment(F, M, c + cRow, LITTLE_ENDIAN);
        var v1 = fromMemorySegment(F, M, c + cRow + HALF, LITTLE_ENDIAN);
        var u2 = fromMemorySegment(F, M, c + 2 * cRow, LITTLE_ENDIAN);
        var v2 = fromMemorySegment(F, M, c + 2 * cRow + HALF, LITTLE_ENDIAN);
        var u3 = fromMemorySegment(F, M, c + 3 * cRow, LITTLE_ENDIAN);
        var v3 = fromMemorySegment(F, M, c + 3 * cRow + HALF, LITTLE_ENDIAN);
        for (var k = 0; k < depth; k++) {
            var p = fromMemorySegment(F, M, x, LITTLE_ENDIAN);
            var q = fromMemorySegment(F, M, x + HALF, LITTLE_ENDIAN);
            var e = broadcast(I, M.get(JAVA_INT_UNALIGNED, a)).reinterpretAsFloats();
            u0 = e.fma(p, u0);
            v0 = e.fma(q, v0);
            e = broadcast(I, M.get(JAVA_INT_UNALIGNED, a + aRow)).reinterpretAsFloats();
            u1 = e.fma(p, u1);
            v1 = e.fma(q, v1);
            e = broadcast(I, M.get(JAVA_INT_UNALIGNED, a + 2 * aRow)).reinterpretAsFloats();
            u2 = e.fma(p, u2);
            v2 = e.fma(q, v2);
            e = broadcast(I, M.get(JAVA_INT_UNALIGNED, a + 3 * aRow)).reinterpretAsFloats();
            u3 = e.fma(p, u3);
            v3 = e.fma(q, v3);
            a += aDepth;
            x += xDepth;
        }
        u0.intoMemorySegment(M, c, LITTLE_ENDIAN);
        v0.intoMemorySegment(M, c + HALF, LITTLE_ENDIAN);
        u1.intoMemorySegment(M, c + cRow, LITTLE_ENDIAN);
        v1.intoMemorySegment(M, c + cRow + HALF, LITTLE_ENDIAN);
        u2.intoMemorySegment(M, c + 2 * cRow, LITTLE_ENDIAN);
        v2.intoMemorySegment(M, c + 2 * cRow + HALF, LITTLE_ENDIAN);
        u3.intoMemorySegment(M, c + 3 * cRow, LITTLE_ENDIAN);
        v3.intoMemorySegment(M, c + 3 * cRow + HALF, LITTLE_ENDIAN);
    }

    private static void gatherOne(int depth, long a, long aDepth, long x, long xDepth, long c) {
        var u = fromMemorySegment(F, M, c, LITTLE_ENDIAN);
        var v = fromMemorySegment(F, M, c + HALF, LITTLE_ENDIAN);
        for (var k = 0; k < depth; k++) {
            var e = broadcast(I, M.get(JAVA_INT_UNALIGNED, a)).reinterpretAsFloats();
            u = e.fma(fromMemorySegment(F, M, x, LITTLE_ENDIAN), u);
            v = e.fma(fromMemorySegment(F, M, x + HALF, LITTLE_ENDIAN), v);
            a += aDepth;
            x += xDepth;
        }
        u.intoMemorySegment(M, c, LITTLE_ENDIAN);
        v.intoMemorySegment(M, c + HALF, LITTLE_ENDIAN);
    }
}
