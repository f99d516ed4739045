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
 * Twelve rows of two 16-lane vectors, for machines with 32 registers: 24 sums, two vectors of B and elements of A in
 * all lanes of the others; fourteen loads for 24 multiply-adds, where six rows would need eight for twelve.
 *
 * <p>The checks before the stores are for JDK 25's compiler. A sum comes out of a loop, and which class it has there
 * the compiler at first takes from what the Vector API's methods have met so far, vectors of 8 lanes among them. Where
 * that guess is wrong it puts all sums into objects, and the tile runs at a twentieth of its speed: of 40 JVMs that had
 * packed matrices before, four did. With the checks, which are answered at compile time, none of 48 did.
 */
final class Tile12x32 implements RegisterTile {
    private static final int ROWS = 12;
    private static final int COLUMNS = 32;
    private static final int A_STEP = 4 * ROWS;
    private static final int ROW = 4 * COLUMNS;
    private static final int VECTOR = 64;
    private static final VectorSpecies<Float> F = FloatVector.SPECIES_512;
    private static final VectorSpecies<Integer> I = IntVector.SPECIES_512;
    private static final MemorySegment M = Lanes.MEMORY;
    private static final Class<?> CLASS = FloatVector.zero(F).getClass();

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
        var u6 = FloatVector.zero(F);
        var v6 = FloatVector.zero(F);
        var u7 = FloatVector.zero(F);
        var v7 = FloatVector.zero(F);
        var u8 = FloatVector.zero(F);
        var v8 = FloatVector.zero(F);
        var u9 = FloatVector.zero(F);
        var v9 = FloatVector.zero(F);
        var u10 = FloatVector.zero(F);
        var v10 = FloatVector.zero(F);
        var u11 = FloatVector.zero(F);
        var v11 = FloatVector.zero(F);
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
            e = broadcast(I, M.get(JAVA_INT_UNALIGNED, a + 24)).reinterpretAsFloats();
            u6 = e.fma(x, u6);
            v6 = e.fma(y, v6);
            e = broadcast(I, M.get(JAVA_INT_UNALIGNED, a + 28)).reinterpretAsFloats();
            u7 = e.fma(x, u7);
            v7 = e.fma(y, v7);
            e = broadcast(I, M.get(JAVA_INT_UNALIGNED, a + 32)).reinterpretAsFloats();
            u8 = e.fma(x, u8);
            v8 = e.fma(y, v8);
            e = broadcast(I, M.get(JAVA_INT_UNALIGNED, a + 36)).reinterpretAsFloats();
            u9 = e.fma(x, u9);
            v9 = e.fma(y, v9);
            e = broadcast(I, M.get(JAVA_INT_UNALIGNED, a + 40)).reinterpretAsFloats();
            u10 = e.fma(x, u10);
            v10 = e.fma(y, v10);
            e = broadcast(I, M.get(JAVA_INT_UNALIGNED, a + 44)).reinterpretAsFloats();
            u11 = e.fma(x, u11);
            v11 = e.fma(y, v11);
            a += A_STEP;
            b += ROW;
        }
        if (u0.getClass() != CLASS || v0.getClass() != CLASS
                || u1.getClass() != CLASS || v1.getClass() != CLASS
                || u2.getClass() != CLASS || v2.getClass() != CLASS
                || u3.getClass() != CLASS || v3.getClass() != CLASS
                || u4.getClass() != CLASS || v4.getClass() != CLASS
                || u5.getClass() != CLASS || v5.getClass() != CLASS
                || u6.getClass() != CLASS || v6.getClass() != CLASS
                || u7.getClass() != CLASS || v7.getClass() != CLASS
                || u8.getClass() != CLASS || v8.getClass() != CLASS
                || u9.getClass() != CLASS || v9.getClass() != CLASS
                || u10.getClass() != CLASS || v10.getClass() != CLASS
                || u11.getClass() != CLASS || v11.getClass() != CLASS) {
            throw new AssertionError("a sum that is no " + CLASS);
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
        u6.intoMemorySegment(M, tile + 6 * ROW, LITTLE_ENDIAN);
        v6.intoMemorySegment(M, tile + 6 * ROW + VECTOR, LITTLE_ENDIAN);
        u7.intoMemorySegment(M, tile + 7 * ROW, LITTLE_ENDIAN);
        v7.intoMemorySegment(M, tile + 7 * ROW + VECTOR, LITTLE_ENDIAN);
        u8.intoMemorySegment(M, tile + 8 * ROW, LITTLE_ENDIAN);
        v8.intoMemorySegment(M, tile + 8 * ROW + VECTOR, LITTLE_ENDIAN);
        u9.intoMemorySegment(M, tile + 9 * ROW, LITTLE_ENDIAN);
        v9.intoMemorySegment(M, tile + 9 * ROW + VECTOR, LITTLE_ENDIAN);
        u10.intoMemorySegment(M, tile + 10 * ROW, LITTLE_ENDIAN);
        v10.intoMemorySegment(M, tile + 10 * ROW + VECTOR, LITTLE_ENDIAN);
        u11.intoMemorySegment(M, tile + 11 * ROW, LITTLE_ENDIAN);
        v11.intoMemorySegment(M, tile + 11 * ROW + VECTOR, LITTLE_ENDIAN);
    }
}
