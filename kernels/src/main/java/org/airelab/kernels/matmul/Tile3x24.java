package org.airelab.kernels.matmul;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static jdk.incubator.vector.FloatVector.fromMemorySegment;
import static jdk.incubator.vector.IntVector.broadcast;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorSpecies;
import org.airelab.kernels.cpu.Lanes;

/**
 * Three rows of three 8-lane vectors, for AVX2. The compiler loads every operand of a step before the first
 * multiply-add, so nine sums, three vectors of B and three elements of A take 15 of the 16 registers. The usual 6x16
 * needs 20 that way; two of its sums then live in memory, which halves the speed.
 */
final class Tile3x24 implements RegisterTile {
    private static final int ROWS = 3;
    private static final int COLUMNS = 24;
    private static final int A_STEP = 4 * ROWS;
    private static final int ROW = 4 * COLUMNS;
    private static final int VECTOR = 32;
    private static final VectorSpecies<Float> F = FloatVector.SPECIES_256;
    private static final VectorSpecies<Integer> I = IntVector.SPECIES_256;
    private static final MemorySegment M = Lanes.MEMORY;

    @Override
    public int rows() {
        return ROWS;
    }

    @Override
    public int columns() {
        return COLUMNS;
    }

    @Override
    public void multiply(int depth, long a, long b, long tile) {
        var u0 = FloatVector.zero(F);
        var v0 = FloatVector.zero(F);
        var w0 = FloatVector.zero(F);
        var u1 = FloatVector.zero(F);
        var v1 = FloatVector.zero(F);
        var w1 = FloatVector.zero(F);
        var u2 = FloatVector.zero(F);
        var v2 = FloatVector.zero(F);
        var w2 = FloatVector.zero(F);
        for (var k = 0; k < depth; k++) {
            var x = fromMemorySegment(F, M, b, LITTLE_ENDIAN);
            var y = fromMemorySegment(F, M, b + VECTOR, LITTLE_ENDIAN);
            var z = fromMemorySegment(F, M, b + 2 * VECTOR, LITTLE_ENDIAN);
            var e = broadcast(I, M.get(JAVA_INT_UNALIGNED, a)).reinterpretAsFloats();
            u0 = e.fma(x, u0);
            v0 = e.fma(y, v0);
            w0 = e.fma(z, w0);
            e = broadcast(I, M.get(JAVA_INT_UNALIGNED, a + 4)).reinterpretAsFloats();
            u1 = e.fma(x, u1);
            v1 = e.fma(y, v1);
            w1 = e.fma(z, w1);
            e = broadcast(I, M.get(JAVA_INT_UNALIGNED, a + 8)).reinterpretAsFloats();
            u2 = e.fma(x, u2);
            v2 = e.fma(y, v2);
            w2 = e.fma(z, w2);
            a += A_STEP;
            b += ROW;
        }
        u0.intoMemorySegment(M, tile, LITTLE_ENDIAN);
        v0.intoMemorySegment(M, tile + VECTOR, LITTLE_ENDIAN);
        w0.intoMemorySegment(M, tile + 2 * VECTOR, LITTLE_ENDIAN);
        u1.intoMemorySegment(M, tile + ROW, LITTLE_ENDIAN);
        v1.intoMemorySegment(M, tile + ROW + VECTOR, LITTLE_ENDIAN);
        w1.intoMemorySegment(M, tile + ROW + 2 * VECTOR, LITTLE_ENDIAN);
        u2.intoMemorySegment(M, tile + 2 * ROW, LITTLE_ENDIAN);
        v2.intoMemorySegment(M, tile + 2 * ROW + VECTOR, LITTLE_ENDIAN);
        w2.intoMemorySegment(M, tile + 2 * ROW + 2 * VECTOR, LITTLE_ENDIAN);
    }
}
