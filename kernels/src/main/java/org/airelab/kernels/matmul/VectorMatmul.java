package org.airelab.kernels.matmul;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static jdk.incubator.vector.FloatVector.fromMemorySegment;
import static jdk.incubator.vector.IntVector.broadcast;

import java.lang.foreign.MemorySegment;
import org.airelab.kernels.DType;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorSpecies;
import org.airelab.kernels.cpu.Buffers;
import org.airelab.kernels.cpu.Lanes;
import org.airelab.kernels.cpu.Scratch;

/**
 * {@link Matmul} by tiles of four rows and two 8-lane vectors, straight from the matrices.
 *
 * <p>Adds to the blocked rung: eight multiply-adds an instruction, and sums that stay in registers, with six loads for
 * eight multiply-adds. The sums of 256 steps of k begin at 0 and are then added to C, which bounds how far rounding
 * errors add up. A transposed B, whose rows are no vectors, is rewritten first, and so is a B whose rows end within a
 * tile. Measured at 256 x 256 x 256 on one core of an Intel Xeon (benchmarks/reports/20261127-Intel-Xeon): 21 times the
 * blocked rung, 69 GFLOP/s.
 */
final class VectorMatmul implements Matmul {
    private static final VectorSpecies<Float> F = Lanes.FLOATS;
    private static final VectorSpecies<Integer> I = IntVector.SPECIES_256;
    private static final MemorySegment M = Lanes.MEMORY;
    private static final int ROWS = 4;
    private static final int COLUMNS = 16;
    private static final int ROW = 4 * COLUMNS;
    private static final int HALF = ROW / 2;
    /** Steps of k summed up in registers at most. */
    private static final int DEPTH = 256;

    @Override
    public String name() {
        return "vector";
    }

    @Override
    public boolean available() {
        return Lanes.available();
    }

    @Override
    public void multiply(MatmulShape shape, MemorySegment a, MemorySegment b, MemorySegment bias, MemorySegment c) {
        Matmul.check(shape, a, b, bias, c, DType.FP32);
        var strides = Strides.of(shape);
        var width = Math.multiplyExact(Math.ceilDiv(shape.n(), COLUMNS), COLUMNS);
        var rewrite = shape.transposeB() || shape.n() < width;
        var tile = Scratch.address(ROWS * ROW + (rewrite ? Panels.bytes(width, shape.k()) : 0));
        var rows = rewrite ? tile + ROWS * ROW : b.address();
        var bRow = rewrite ? 4L * width : strides.bDepth();
        if (rewrite) {
            Panels.copy(width, shape.n(), shape.k(), b.address(), strides.bColumn(), strides.bDepth(), rows);
        }
        var ending = new Ending(shape, bias == null ? 0 : bias.address(), c.address());
        for (var j = 0; j < width; j += COLUMNS) {
            for (var i = 0; i < shape.m(); ) {
                var count = i + ROWS <= shape.m() ? ROWS : 1;
                for (var p = 0; p < shape.k(); p += DEPTH) {
                    var depth = Math.min(DEPTH, shape.k() - p);
                    var fromA = a.address() + i * strides.aRow() + p * strides.aDepth();
                    var fromB = rows + p * bRow + 4L * j;
                    if (count == ROWS) {
                        four(depth, fromA, strides.aRow(), strides.aDepth(), fromB, bRow, tile);
                    } else {
                        one(depth, fromA, strides.aDepth(), fromB, bRow, tile);
                    }
                    ending.merge(tile, ROW, i, j, count, Math.min(COLUMNS, shape.n() - j), p == 0,
                            p + depth == shape.k());
                }
                i += count;
            }
        }
        Buffers.keep(a, b, bias, c);
    }

    private static void four(int depth, long a, long aRow, long aDepth, long b, long bRow, long tile) {
        var u0 = FloatVector.zero(F);
        var v0 = FloatVector.zero(F);
        var u1 = FloatVector.zero(F);
        var v1 = FloatVector.zero(F);
        var u2 = FloatVector.zero(F);
        var v2 = FloatVector.zero(F);
        var u3 = FloatVector.zero(F);
        var v3 = FloatVector.zero(F);
        for (var k = 0; k < depth; k++) {
            var x = fromMemorySegment(F, M, b, LITTLE_ENDIAN);
            var y = fromMemorySegment(F, M, b + HALF, LITTLE_ENDIAN);
            var e = broadcast(I, M.get(JAVA_INT_UNALIGNED, a)).reinterpretAsFloats();
            u0 = e.fma(x, u0);
            v0 = e.fma(y, v0);
            e = broadcast(I, M.get(JAVA_INT_UNALIGNED, a + aRow)).reinterpretAsFloats();
            u1 = e.fma(x, u1);
            v1 = e.fma(y, v1);
            e = broadcast(I, M.get(JAVA_INT_UNALIGNED, a + 2 * aRow)).reinterpretAsFloats();
            u2 = e.fma(x, u2);
            v2 = e.fma(y, v2);
            e = broadcast(I, M.get(JAVA_INT_UNALIGNED, a + 3 * aRow)).reinterpretAsFloats();
            u3 = e.fma(x, u3);
            v3 = e.fma(y, v3);
            a += aDepth;
            b += bRow;
        }
        u0.intoMemorySegment(M, tile, LITTLE_ENDIAN);
        v0.intoMemorySegment(M, tile + HALF, LITTLE_ENDIAN);
        u1.intoMemorySegment(M, tile + ROW, LITTLE_ENDIAN);
        v1.intoMemorySegment(M, tile + ROW + HALF, LITTLE_ENDIAN);
        u2.intoMemorySegment(M, tile + 2 * ROW, LITTLE_ENDIAN);
        v2.intoMemorySegment(M, tile + 2 * ROW + HALF, LITTLE_ENDIAN);
        u3.intoMemorySegment(M, tile + 3 * ROW, LITTLE_ENDIAN);
        v3.intoMemorySegment(M, tile + 3 * ROW + HALF, LITTLE_ENDIAN);
    }

    private static void one(int depth, long a, long aDepth, long b, long bRow, long tile) {
        var u = FloatVector.zero(F);
        var v = FloatVector.zero(F);
        for (var k = 0; k < depth; k++) {
            var e = broadcast(I, M.get(JAVA_INT_UNALIGNED, a)).reinterpretAsFloats();
            u = e.fma(fromMemorySegment(F, M, b, LITTLE_ENDIAN), u);
            v = e.fma(fromMemorySegment(F, M, b + HALF, LITTLE_ENDIAN), v);
            a += aDepth;
            b += bRow;
        }
        u.intoMemorySegment(M, tile, LITTLE_ENDIAN);
        v.intoMemorySegment(M, tile + HALF, LITTLE_ENDIAN);
    }
}
