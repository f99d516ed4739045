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
 * Six rows of two 16-lane vectors, for machines with 32 registers: twelve sums, more than enough to hide the latency of
 * the multiply-add, and eight loads for twelve multiply-adds. Eight rows would need fewer, but JDK 25's compiler gives
 * up on that method in this place and runs it at a sixth of the speed.
 */
final class Tile6x32 implements RegisterTile {
    private static final int ROWS = 6;
    private static final int COLUMNS = 32;
    private static final int A_STEP = 4 * ROWS;
    private static final int ROW = 4 * COLUMNS;
    private static final int VECTOR = 64;
    private static final VectorSpecies<Float> F = FloatVector.SPECIES_512;
    private static final VectorSpecies<Integer> I = IntVector.SPECIES_512;
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
        var u1 = FloatVector.zero(F);
        var v1 = FloatVector.zero(F);
        var u2 = FloatVector.zero(F);
        var v2 = FloatVector.zero(F);
        var u3 = FloatVector.zero(F);
        var v3 = FloatVector.zero(F);
        var u4 = FloatVector.zero(F);
        var v4 = FloatVector.zero(F);
        var u5 = FloatVector.zero(F);
        var v5 = FloatVector.zero(F);
        for (var k = 0; k < depth; k++) {
            var x = fromMemorySegment(F, M, b, LITTLE_ENDIAN);
            var y = fromMemorySegment(F, M, b + VECTOR, LITTLE_ENDIAN);
            var e = broadcast(I, M.get(JAVA_INT_UNALIGNED, a)).reinterpretAsFloats();
            u0 = e.fma(x, u0);
            v0 = e.fma(y, v0);
            e = broadcast(I, M.get(JAVA_INT_UNALIGNED, a + 4)).reinterpretAsFloats();
            u1 = e.fma(x, u1);
            v1 = e.fma(y, v1);
            e = broadcast(I, M.get(JAVA_INT_UNALIGNED, a + 8)).reinterpretAsFloats();
            u2 = e.fma(x, u2);
            v2 = e.fma(y, v2);
            e = broadcast(I, M.get(JAVA_INT_UNALIGNED, a + 12)).reinterpretAsFloats();
            u3 = e.fma(x, u3);
            v3 = e.fma(y, v3);
            e = broadcast(I, M.get(JAVA_INT_UNALIGNED, a + 16)).reinterpretAsFloats();
            u4 = e.fma(x, u4);
            v4 = e.fma(y, v4);
            e = broadcast(I, M.get(JAVA_INT_UNALIGNED, a + 20)).reinterpretAsFloats();
            u5 = e.fma(x, u5);
            v5 = e.fma(y, v5);
            a += A_STEP;
            b += ROW;
        }
        u0.intoMemorySegment(M, tile, LITTLE_ENDIAN);
        v0.intoMemorySegment(M, tile + VECTOR, LITTLE_ENDIAN);
        u1.intoMemorySegment(M, tile + ROW, LITTLE_ENDIAN);
        v1.intoMemorySegment(M, tile + ROW + VECTOR, LITTLE_ENDIAN);
        u2.intoMemorySegment(M, tile + 2 * ROW, LITTLE_ENDIAN);
        v2.intoMemorySegment(M, tile + 2 * ROW + VECTOR, LITTLE_ENDIAN);
        u3.intoMemorySegment(M, tile + 3 * ROW, LITTLE_ENDIAN);
        v3.intoMemorySegment(M, tile + 3 * ROW + VECTOR, LITTLE_ENDIAN);
        u4.intoMemorySegment(M, tile + 4 * ROW, LITTLE_ENDIAN);
        v4.intoMemorySegment(M, tile + 4 * ROW + VECTOR, LITTLE_ENDIAN);
        u5.intoMemorySegment(M, tile + 5 * ROW, LITTLE_ENDIAN);
        v5.intoMemorySegment(M, tile + 5 * ROW + VECTOR, LITTLE_ENDIAN);
    }
}
