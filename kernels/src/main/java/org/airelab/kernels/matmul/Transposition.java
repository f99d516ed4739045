package org.airelab.kernels.matmul;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static jdk.incubator.vector.IntVector.fromMemorySegment;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorSpecies;
import org.airelab.kernels.cpu.Lanes;

/**
 * The transposition of 16 x 16 elements in the registers of AVX-512: in four rounds, elements whose row and column
 * differ in the same bit change places between two vectors. Elements are moved as bits, whatever they mean.
 *
 * <p>Written out, since only variables live in registers; {@link #line} is small enough to be inlined.
 */
final class Transposition {
    /** Whether the machine's vectors have sixteen lanes; on narrower ones these methods would box each. */
    static final boolean AVAILABLE = FloatVector.SPECIES_PREFERRED.length() >= 16;
    /** Lines and steps. */
    static final int SIZE = 16;
    private static final VectorSpecies<Integer> I = IntVector.SPECIES_512;
    private static final MemorySegment M = Lanes.MEMORY;

    private static final IntVector LOW_8 = low(8);
    private static final IntVector HIGH_8 = high(8);
    private static final IntVector LOW_4 = low(4);
    private static final IntVector HIGH_4 = high(4);
    private static final IntVector LOW_2 = low(2);
    private static final IntVector HIGH_2 = high(2);
    private static final IntVector LOW_1 = low(1);
    private static final IntVector HIGH_1 = high(1);

    private Transposition() {}

    /** Of two vectors the lanes without the bit; in the place of those with it, the second's without it. */
    private static IntVector low(int bit) {
        return IntVector.fromArray(I, lanes(bit, 0), 0);
    }

    private static IntVector high(int bit) {
        return IntVector.fromArray(I, lanes(bit, bit), 0);
    }

    private static int[] lanes(int bit, int which) {
        var lanes = new int[SIZE];
        for (var i = 0; i < SIZE; i++) {
            lanes[i] = (i & bit) == 0 ? i + which : SIZE + i - bit + which;
        }
        return lanes;
    }

    /**
     * Writes 16 steps, each of the 16 elements that the lines have there, in ascending order.
     *
     * @param lines  those that there are; in the place of others zeros are written
     * @param from   address of the first line
     * @param across bytes from one line to the next
     * @param to     address of the first step
     * @param step   bytes from one step to the next
     */
    static void run(int lines, long from, long across, long to, long step) {
        var a0 = line(0, lines, from, across);
        var a1 = line(1, lines, from, across);
        var a2 = line(2, lines, from, across);
        var a3 = line(3, lines, from, across);
        var a4 = line(4, lines, from, across);
        var a5 = line(5, lines, from, across);
        var a6 = line(6, lines, from, across);
        var a7 = line(7, lines, from, across);
        var a8 = line(8, lines, from, across);
        var a9 = line(9, lines, from, across);
        var a10 = line(10, lines, from, across);
        var a11 = line(11, lines, from, across);
        var a12 = line(12, lines, from, across);
        var a13 = line(13, lines, from, across);
        var a14 = line(14, lines, from, across);
        var a15 = line(15, lines, from, across);
        var b0 = LOW_8.selectFrom(a0, a8);
        var b8 = HIGH_8.selectFrom(a0, a8);
        var b1 = LOW_8.selectFrom(a1, a9);
        var b9 = HIGH_8.selectFrom(a1, a9);
        var b2 = LOW_8.selectFrom(a2, a10);
        var b10 = HIGH_8.selectFrom(a2, a10);
        var b3 = LOW_8.selectFrom(a3, a11);
        var b11 = HIGH_8.selectFrom(a3, a11);
        var b4 = LOW_8.selectFrom(a4, a12);
        var b12 = HIGH_8.selectFrom(a4, a12);
        var b5 = LOW_8.selectFrom(a5, a13);
        var b13 = HIGH_8.selectFrom(a5, a13);
        var b6 = LOW_8.selectFrom(a6, a14);
        var b14 = HIGH_8.selectFrom(a6, a14);
        var b7 = LOW_8.selectFrom(a7, a15);
        var b15 = HIGH_8.selectFrom(a7, a15);
        var c0 = LOW_4.selectFrom(b0, b4);
        var c4 = HIGH_4.selectFrom(b0, b4);
        var c1 = LOW_4.selectFrom(b1, b5);
        var c5 = HIGH_4.selectFrom(b1, b5);
        var c2 = LOW_4.selectFrom(b2, b6);
        var c6 = HIGH_4.selectFrom(b2, b6);
        var c3 = LOW_4.selectFrom(b3, b7);
        var c7 = HIGH_4.selectFrom(b3, b7);
        var c8 = LOW_4.selectFrom(b8, b12);
        var c12 = HIGH_4.selectFrom(b8, b12);
        var c9 = LOW_4.selectFrom(b9, b13);
        var c13 = HIGH_4.selectFrom(b9, b13);
        var c10 = LOW_4.selectFrom(b10, b14);
        var c14 = HIGH_4.selectFrom(b10, b14);
        var c11 = LOW_4.selectFrom(b11, b15);
        var c15 = HIGH_4.selectFrom(b11, b15);
        var d0 = LOW_2.selectFrom(c0, c2);
        var d2 = HIGH_2.selectFrom(c0, c2);
        var d1 = LOW_2.selectFrom(c1, c3);
        var d3 = HIGH_2.selectFrom(c1, c3);
        var d4 = LOW_2.selectFrom(c4, c6);
        var d6 = HIGH_2.selectFrom(c4, c6);
        var d5 = LOW_2.selectFrom(c5, c7);
        var d7 = HIGH_2.selectFrom(c5, c7);
        var d8 = LOW_2.selectFrom(c8, c10);
        var d10 = HIGH_2.selectFrom(c8, c10);
        var d9 = LOW_2.selectFrom(c9, c11);
        var d11 = HIGH_2.selectFrom(c9, c11);
        var d12 = LOW_2.selectFrom(c12, c14);
        var d14 = HIGH_2.selectFrom(c12, c14);
        var d13 = LOW_2.selectFrom(c13, c15);
        var d15 = HIGH_2.selectFrom(c13, c15);
        var e0 = LOW_1.selectFrom(d0, d1);
        var e1 = HIGH_1.selectFrom(d0, d1);
        var e2 = LOW_1.selectFrom(d2, d3);
        var e3 = HIGH_1.selectFrom(d2, d3);
        var e4 = LOW_1.selectFrom(d4, d5);
        var e5 = HIGH_1.selectFrom(d4, d5);
        var e6 = LOW_1.selectFrom(d6, d7);
        var e7 = HIGH_1.selectFrom(d6, d7);
        var e8 = LOW_1.selectFrom(d8, d9);
        var e9 = HIGH_1.selectFrom(d8, d9);
        var e10 = LOW_1.selectFrom(d10, d11);
        var e11 = HIGH_1.selectFrom(d10, d11);
        var e12 = LOW_1.selectFrom(d12, d13);
        var e13 = HIGH_1.selectFrom(d12, d13);
        var e14 = LOW_1.selectFrom(d14, d15);
        var e15 = HIGH_1.selectFrom(d14, d15);
        e0.intoMemorySegment(M, to, LITTLE_ENDIAN);
        e1.intoMemorySegment(M, to + step, LITTLE_ENDIAN);
        e2.intoMemorySegment(M, to + 2 * step, LITTLE_ENDIAN);
        e3.intoMemorySegment(M, to + 3 * step, LITTLE_ENDIAN);
        e4.intoMemorySegment(M, to + 4 * step, LITTLE_ENDIAN);
        e5.intoMemorySegment(M, to + 5 * step, LITTLE_ENDIAN);
        e6.intoMemorySegment(M, to + 6 * step, LITTLE_ENDIAN);
        e7.intoMemorySegment(M, to + 7 * step, LITTLE_ENDIAN);
        e8.intoMemorySegment(M, to + 8 * step, LITTLE_ENDIAN);
        e9.intoMemorySegment(M, to + 9 * step, LITTLE_ENDIAN);
        e10.intoMemorySegment(M, to + 10 * step, LITTLE_ENDIAN);
        e11.intoMemorySegment(M, to + 11 * step, LITTLE_ENDIAN);
        e12.intoMemorySegment(M, to + 12 * step, LITTLE_ENDIAN);
        e13.intoMemorySegment(M, to + 13 * step, LITTLE_ENDIAN);
        e14.intoMemorySegment(M, to + 14 * step, LITTLE_ENDIAN);
        e15.intoMemorySegment(M, to + 15 * step, LITTLE_ENDIAN);
    }

    private static IntVector line(int i, int lines, long from, long across) {
        return fromMemorySegment(I, M, i < lines ? from + i * across : Lanes.ZEROS, LITTLE_ENDIAN);
    }
}
