package org.airelab.kernels.attention;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static jdk.incubator.vector.FloatVector.fromMemorySegment;
import static jdk.incubator.vector.IntVector.broadcast;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.VectorSpecies;
import org.airelab.kernels.cpu.Lanes;

/**
 * Products of a small matrix with a panel two vectors wide, C[r, c] += sum over k of A[r, k] X[k, c]: the loop that
 * both passes of attention are made of. Addresses and strides are in bytes.
 *
 * <p>Two vectors, so that each element of A that is broadcast serves two multiplications; four rows of C, so that eight
 * sums are under way, which is the latency of a multiplication times what a core begins in a cycle. Each sum is
 * formed over k in its order, in a lane of its own: a panel's width changes no bit of it.
 *
 * <p>The loops are written for the compiler. They call the Vector API without a helper between, because only methods of
 * the JDK are inlined however large the caller has grown; a helper that is not inlined boxes its vectors. And the hot
 * ones are longer than 325 bytes of bytecode, so that they are compiled by themselves and not into their callers.
 */
final class Panel {
    private static final VectorSpecies<Float> F = Lanes.WIDE;
    private static final VectorSpecies<Integer> I = Lanes.WIDE_INTS;
    private static final MemorySegment M = Lanes.MEMORY;

    /** Bytes of a vector, and its lanes. */
    static final int VECTOR = F.vectorByteSize();
    static final int LANES = F.length();
    /** Columns of a panel: 32, or 16 where vectors have eight lanes. */
    static final int COLUMNS = 2 * LANES;
    /** Bytes of a panel's row. */
    static final int ROW = 4 * COLUMNS;
    /** What the columns of every machine's panels divide. */
    static final int MOST_COLUMNS = 32;

    private Panel() {}

    /** C = A X, two vectors wide. */
    static void set(int rows, int depth, long a, long aRow, long aDepth, long x, long xDepth, long c, long cRow) {
        multiply(rows, depth, a, aRow, aDepth, x, xDepth, Lanes.ZEROS, 0, c, cRow);
    }

    /** C = start + A X, two vectors wide, with {@code start} one row for all rows of C. */
    static void set(int rows, int depth, long a, long aRow, long aDepth, long x, long xDepth, long start, long c,
            long cRow) {
        multiply(rows, depth, a, aRow, aDepth, x, xDepth, start, 0, c, cRow);
    }

    /** C += A X, two vectors wide. */
    static void add(int rows, int depth, long a, long aRow, long aDepth, long x, long xDepth, long c, long cRow) {
        multiply(rows, depth, a, aRow, aDepth, x, xDepth, c, cRow, c, cRow);
    }

    /** C += A X, one vector wide. */
    static void addNarrow(int rows, int depth, long a, long aRow, long aDepth, long x, long xDepth, long c, long cRow) {
        var r = 0;
        for (; r + 4 <= rows; r += 4) {
            addFourNarrow(depth, a + r * aRow, aRow, aDepth, x, xDepth, c + r * cRow, cRow);
        }
        for (; r < rows; r++) {
            addOneNarrow(depth, a + r * aRow, aDepth, x, xDepth, c + r * cRow);
        }
    }

    /** C = B + A X. */
    private static void multiply(int rows, int depth, long a, long aRow, long aDepth, long x, long xDepth, long b,
            long bRow, long c, long cRow) {
        var r = 0;
        for (; r + 4 <= rows; r += 4) {
            multiplyFour(depth, a + r * aRow, aRow, aDepth, x, xDepth, b + r * bRow, bRow, c + r * cRow, cRow);
        }
        for (; r < rows; r++) {
            multiplyOne(depth, a + r * aRow, aDepth, x, xDepth, b + r * bRow, c + r * cRow);
        }
    }

    private static void multiplyFour(int depth, long a, long aRow, long aDepth, long x, long xDepth, long b, long bRow,
            long c, long cRow) {
        var u0 = fromMemorySegment(F, M, b, LITTLE_ENDIAN);
        var v0 = fromMemorySegment(F, M, b + VECTOR, LITTLE_ENDIAN);
        var u1 = fromMemorySegment(F, M, b + bRow, LITTLE_ENDIAN);
        var v1 = fromMemorySegment(F, M, b + bRow + VECTOR, LITTLE_ENDIAN);
        var u2 = fromMemorySegment(F, M, b + 2 * bRow, LITTLE_ENDIAN);
        var v2 = fromMemorySegment(F, M, b + 2 * bRow + VECTOR, LITTLE_ENDIAN);
        var u3 = fromMemorySegment(F, M, b + 3 * bRow, LITTLE_ENDIAN);
        var v3 = fromMemorySegment(F, M, b + 3 * bRow + VECTOR, LITTLE_ENDIAN);
        for (var k = 0; k < depth; k++) {
            var p = fromMemorySegment(F, M, x, LITTLE_ENDIAN);
            var q = fromMemorySegment(F, M, x + VECTOR, LITTLE_ENDIAN);
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
        v0.intoMemorySegment(M, c + VECTOR, LITTLE_ENDIAN);
        u1.intoMemorySegment(M, c + cRow, LITTLE_ENDIAN);
        v1.intoMemorySegment(M, c + cRow + VECTOR, LITTLE_ENDIAN);
        u2.intoMemorySegment(M, c + 2 * cRow, LITTLE_ENDIAN);
        v2.intoMemorySegment(M, c + 2 * cRow + VECTOR, LITTLE_ENDIAN);
        u3.intoMemorySegment(M, c + 3 * cRow, LITTLE_ENDIAN);
        v3.intoMemorySegment(M, c + 3 * cRow + VECTOR, LITTLE_ENDIAN);
    }

    private static void multiplyOne(int depth, long a, long aDepth, long x, long xDepth, long b, long c) {
        var u = fromMemorySegment(F, M, b, LITTLE_ENDIAN);
        var v = fromMemorySegment(F, M, b + VECTOR, LITTLE_ENDIAN);
        for (var k = 0; k < depth; k++) {
            var e = broadcast(I, M.get(JAVA_INT_UNALIGNED, a)).reinterpretAsFloats();
            u = e.fma(fromMemorySegment(F, M, x, LITTLE_ENDIAN), u);
            v = e.fma(fromMemorySegment(F, M, x + VECTOR, LITTLE_ENDIAN), v);
            a += aDepth;
            x += xDepth;
        }
        u.intoMemorySegment(M, c, LITTLE_ENDIAN);
        v.intoMemorySegment(M, c + VECTOR, LITTLE_ENDIAN);
    }

    private static void addFourNarrow(int depth, long a, long aRow, long aDepth, long x, long xDepth, long c,
            long cRow) {
        var u0 = fromMemorySegment(F, M, c, LITTLE_ENDIAN);
        var u1 = fromMemorySegment(F, M, c + cRow, LITTLE_ENDIAN);
        var u2 = fromMemorySegment(F, M, c + 2 * cRow, LITTLE_ENDIAN);
        var u3 = fromMemorySegment(F, M, c + 3 * cRow, LITTLE_ENDIAN);
        for (var k = 0; k < depth; k++) {
            var p = fromMemorySegment(F, M, x, LITTLE_ENDIAN);
            u0 = broadcast(I, M.get(JAVA_INT_UNALIGNED, a)).reinterpretAsFloats().fma(p, u0);
            u1 = broadcast(I, M.get(JAVA_INT_UNALIGNED, a + aRow)).reinterpretAsFloats().fma(p, u1);
            u2 = broadcast(I, M.get(JAVA_INT_UNALIGNED, a + 2 * aRow)).reinterpretAsFloats().fma(p, u2);
            u3 = broadcast(I, M.get(JAVA_INT_UNALIGNED, a + 3 * aRow)).reinterpretAsFloats().fma(p, u3);
            a += aDepth;
            x += xDepth;
        }
        u0.intoMemorySegment(M, c, LITTLE_ENDIAN);
        u1.intoMemorySegment(M, c + cRow, LITTLE_ENDIAN);
        u2.intoMemorySegment(M, c + 2 * cRow, LITTLE_ENDIAN);
        u3.intoMemorySegment(M, c + 3 * cRow, LITTLE_ENDIAN);
    }

    private static void addOneNarrow(int depth, long a, long aDepth, long x, long xDepth, long c) {
        var u = fromMemorySegment(F, M, c, LITTLE_ENDIAN);
        for (var k = 0; k < depth; k++) {
            u = broadcast(I, M.get(JAVA_INT_UNALIGNED, a)).reinterpretAsFloats()
                    .fma(fromMemorySegment(F, M, x, LITTLE_ENDIAN), u);
            a += aDepth;
            x += xDepth;
        }
        u.intoMemorySegment(M, c, LITTLE_ENDIAN);
    }
}
