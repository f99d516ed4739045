package org.airelab.kernels.matmul;

import static org.airelab.kernels.Native.assertAsGoodAsPlain;
import static org.airelab.kernels.Native.normal;
import static org.airelab.kernels.Native.zeros;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.util.List;
import org.airelab.kernels.Native;
import org.airelab.kernels.matmul.MatmulShape.Epilogue;
import org.junit.jupiter.api.Test;

class MatmulTest {
    private static final Matmul REFERENCE = Matmul.FAMILY.reference();
    private static final List<Matmul> RUNGS = Matmul.FAMILY.rungs();
    private static final Matmul PLAIN = RUNGS.getFirst();
    private static final boolean[] EITHER = {false, true};
    /** Elements before and after each matrix. */
    private static final int GUARD = 40;
    /** Around tiles of 3, 4, 12 rows and 16, 24, 32 columns, blocks of 24 and 192 lines and of 16 and 384 steps. */
    private static final int[][] AWKWARD = {
        {1, 1, 1}, {1, 33, 7}, {7, 1, 5}, {2, 3, 1}, {3, 24, 16}, {4, 16, 31}, {5, 23, 33}, {8, 32, 8}, {9, 17, 9},
        {6, 40, 2}, {13, 97, 511}, {101, 103, 107}, {1, 500, 3}, {500, 1, 2}, {193, 25, 512}, {25, 193, 513},
        {23, 49, 1201}, {11, 31, 383}, {12, 32, 384}, {25, 33, 385}};

    /** The operands of a product, each between guards: NaN for what is read, a mark for what is written. */
    private record Operands(MatmulShape shape, MemorySegment a, MemorySegment b, MemorySegment bias,
            MemorySegment guarded) {
        static Operands random(MatmulShape shape) {
            var c = normal((long) shape.m() * shape.n(), 4, 3);
            if (shape.beta() == 0) {
                fill(c, Float.NaN);
            }
            return new Operands(shape, guarded(normal((long) shape.m() * shape.k(), 1, 1), Float.NaN),
                    guarded(normal((long) shape.k() * shape.n(), 2, 1), Float.NaN),
                    shape.bias() ? inner(guarded(normal(shape.n(), 3, 1), Float.NaN)) : null, guarded(c, 77));
        }

        /** C as a rung makes it of its first contents, which stay. */
        MemorySegment multiply(Matmul rung) {
            var result = Native.copy(guarded);
            rung.multiply(shape, inner(a), inner(b), bias, inner(result));
            for (var i = 0; i < GUARD; i++) {
                assertEquals(77, Native.get(result, i), rung.name() + " before C");
                assertEquals(77, Native.get(result, result.byteSize() / 4 - 1 - i), rung.name() + " after C");
            }
            return inner(result);
        }

        private static MemorySegment guarded(MemorySegment values, float guard) {
            var segment = zeros(values.byteSize() / 4 + 2 * GUARD);
            fill(segment, guard);
            inner(segment).copyFrom(values);
            return segment;
        }

        private static MemorySegment inner(MemorySegment segment) {
            return segment.asSlice(4 * GUARD, segment.byteSize() - 8 * GUARD);
        }

        private static void fill(MemorySegment segment, float value) {
            for (var i = 0L; i < segment.byteSize() / 4; i++) {
                Native.set(segment, i, value);
            }
        }
    }

    private static void assertEveryRungAgrees(MatmulShape shape) {
        var operands = Operands.random(shape);
        var expected = operands.multiply(REFERENCE);
        var plain = operands.multiply(PLAIN);
        for (var rung : RUNGS) {
            assertAsGoodAsPlain(expected, plain, operands.multiply(rung), rung.name() + " " + shape);
        }
    }

    private static void assertSameBits(MatmulShape shape, Matmul one, Matmul other) {
        var operands = Operands.random(shape);
        assertArrayEquals(Native.array(operands.multiply(one)), Native.array(operands.multiply(other)),
                () -> one.name() + " and " + other.name() + " " + shape);
    }

    @Test
    void theReferenceIsTheFormula() {
        var a = Native.of(1, 2, 3, 4);
        var b = Native.of(5, 6, 7, 8);
        var c = Native.of(1, 2, 3, 4);
        REFERENCE.multiply(MatmulShape.of(2, 2, 2), a, b, null, c);
        assertArrayEquals(new float[] {19, 22, 43, 50}, Native.array(c));
        REFERENCE.multiply(MatmulShape.of(2, 2, 2).transposed(true, false), a, b, null, c);
        assertArrayEquals(new float[] {26, 30, 38, 44}, Native.array(c));
        REFERENCE.multiply(MatmulShape.of(2, 2, 2).transposed(false, true), a, b, null, c);
        assertArrayEquals(new float[] {17, 23, 39, 53}, Native.array(c));
        REFERENCE.multiply(new MatmulShape(2, 2, 2, true, true, 2, -1, true, Epilogue.NONE), a, b,
                Native.of(100, 200), c);
        assertArrayEquals(new float[] {2 * 23 - 17 + 100, 2 * 31 - 23 + 200, 2 * 34 - 39 + 100, 2 * 46 - 53 + 200},
                Native.array(c));
    }

    @Test
    void epiloguesHaveTheirKnownValues() {
        for (var rung : RUNGS) {
            var c = zeros(3);
            var x = Native.of(-3, 1, 20);
            var one = Native.of(1);
            rung.multiply(new MatmulShape(3, 1, 1, false, false, 1, 0, false, Epilogue.GELU), x, one, null, c);
            assertArrayEquals(new float[] {-0.00363739f, 0.84119199f, 20}, Native.array(c), 1e-6f, rung.name());
            rung.multiply(new MatmulShape(3, 1, 1, false, false, 1, 0, false, Epilogue.SILU), x, one, null, c);
            assertArrayEquals(new float[] {-0.14227762f, 0.73105858f, 20}, Native.array(c), 1e-6f, rung.name());
        }
    }

    @Test
    void everyRungAgreesWithTheReferenceAtAwkwardSizes() {
        for (var size : AWKWARD) {
            for (var transposeA : EITHER) {
                for (var transposeB : EITHER) {
                    assertEveryRungAgrees(MatmulShape.of(size[0], size[1], size[2]).transposed(transposeA, transposeB));
                }
            }
        }
    }

    @Test
    void everyRungAgreesWithWhatIsFusedIn() {
        for (var size : new int[][] {{7, 41, 19}, {4, 9, 1100}}) {
            for (var factors : new float[][] {{1, 1}, {0.5f, 0}, {-2, 0.25f}, {0, 3}}) {
                for (var bias : EITHER) {
                    for (var epilogue : Epilogue.values()) {
                        assertEveryRungAgrees(new MatmulShape(size[0], size[1], size[2], false, true, factors[0],
                                factors[1], bias, epilogue));
                    }
                }
            }
        }
    }

    @Test
    void everyRungAgreesBeyondOnePart() {
        assertEveryRungAgrees(new MatmulShape(5, 40, 9000, true, false, 0.5f, 2, true, Epilogue.SILU));
        assertEveryRungAgrees(new MatmulShape(3, 1100, 4200, false, true, 1, 0, true, Epilogue.GELU));
        assertEveryRungAgrees(new MatmulShape(1100, 3, 4200, false, false, 1, 1, false, Epilogue.NONE));
        assertEveryRungAgrees(new MatmulShape(3, 16500, 5, false, true, 1, 1, false, Epilogue.NONE));
        assertEveryRungAgrees(new MatmulShape(16500, 3, 5, true, false, 1, 0, true, Epilogue.NONE));
    }

    @Test
    void transposedOperandsGiveTheSameBits() {
        var m = 50;
        var n = 71;
        var k = 520;
        var a = normal(m * k, 1, 1);
        var b = normal(k * n, 2, 1);
        for (var rung : RUNGS) {
            var expected = zeros(m * n);
            rung.multiply(MatmulShape.of(m, n, k), a, b, null, expected);
            for (var transposeA : EITHER) {
                for (var transposeB : EITHER) {
                    var c = zeros(m * n);
                    rung.multiply(MatmulShape.of(m, n, k).transposed(transposeA, transposeB),
                            transposeA ? transpose(a, m, k) : a, transposeB ? transpose(b, k, n) : b, null, c);
                    assertArrayEquals(Native.array(expected), Native.array(c), rung.name());
                }
            }
        }
    }

    private static MemorySegment transpose(MemorySegment matrix, int rows, int columns) {
        var result = zeros((long) rows * columns);
        for (var i = 0; i < rows; i++) {
            for (var j = 0; j < columns; j++) {
                Native.set(result, (long) j * rows + i, Native.get(matrix, (long) i * columns + j));
            }
        }
        return result;
    }

    @Test
    void nanAndInfinitiesPropagateAsInTheReference() {
        for (var value : new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY}) {
            for (var epilogue : Epilogue.values()) {
                var operands = Operands.random(new MatmulShape(9, 35, 600, false, false, 2, 0.5f, true, epilogue));
                Native.set(operands.a, GUARD + 4 * 600 + 590, value);
                Native.set(operands.b, GUARD + 7 * 35 + 33, value);
                Native.set(operands.b, GUARD + 590 * 35 + 2, 0);
                Native.set(operands.bias, 5, value);
                Native.set(operands.guarded, GUARD + 8 * 35 + 34, value);
                var expected = operands.multiply(REFERENCE);
                for (var rung : RUNGS) {
                    var actual = operands.multiply(rung);
                    Native.assertSameSpecials(expected, actual, rung.name() + " " + epilogue + " " + value);
                }
            }
        }
    }

    @Test
    void withBetaZeroCIsNotRead() {
        for (var rung : RUNGS) {
            for (var size : AWKWARD) {
                var operands = Operands.random(MatmulShape.of(size[0], size[1], size[2])); // C is full of NaN
                for (var value : Native.array(operands.multiply(rung))) {
                    assertEquals(0, Native.special(value), rung.name());
                }
            }
        }
    }

    @Test
    void theWidthOfTheVectorsDoesNotMatter() {
        for (var size : AWKWARD) {
            for (var epilogue : Epilogue.values()) {
                assertSameBits(new MatmulShape(size[0], size[1], size[2], true, false, 0.3f, 1, true, epilogue),
                        new PackedMatmul(new Tile3x24()), new PackedMatmul(new Tile12x32()));
            }
        }
        assertSameBits(MatmulShape.of(3, 1100, 4200), new PackedMatmul(new Tile3x24()),
                new PackedMatmul(new Tile12x32()));
    }

    @Test
    void threadsDoNotMatter() {
        var shape = new MatmulShape(410, 200, 600, false, true, 1, 0, true, Epilogue.GELU);
        var operands = Operands.random(shape);
        Native.assertThreadsDoNotMatter(
                threads -> Native.array(operands.multiply(new ParallelMatmul(RegisterTile.widest()))));
        assertSameBits(shape, new PackedMatmul(RegisterTile.widest()), new ParallelMatmul(RegisterTile.widest()));
    }

    /** Rows enough for copies of its own on each of up to three threads, k for two parts, C added to, A transposed. */
    @Test
    void ownCopiesDoNotMatter() {
        var operands = Operands.random(new MatmulShape(600, 40, 4200, true, false, 0.5f, 2, true, Epilogue.NONE));
        Native.assertThreadsDoNotMatter(
                threads -> Native.array(operands.multiply(new ParallelMatmul(RegisterTile.widest()))));
    }

    @Test
    void sizesAreChecked() {
        assertThrows(IllegalArgumentException.class, () -> MatmulShape.of(0, 1, 1));
        assertThrows(IllegalArgumentException.class, () -> MatmulShape.of(1, -1, 1));
        assertThrows(IllegalArgumentException.class, () -> MatmulShape.of(1, 1, 0));
        var shape = MatmulShape.of(2, 3, 4);
        var biased = new MatmulShape(2, 3, 4, false, false, 1, 0, true, Epilogue.NONE);
        for (var rung : RUNGS) {
            assertFails("a of 8", () -> rung.multiply(shape, zeros(9), zeros(12), null, zeros(6)));
            assertFails("b of 12", () -> rung.multiply(shape, zeros(8), zeros(11), null, zeros(6)));
            assertFails("c of 6", () -> rung.multiply(shape, zeros(8), zeros(12), null, zeros(8)));
            assertFails("no bias", () -> rung.multiply(shape, zeros(8), zeros(12), zeros(3), zeros(6)));
            assertFails("a bias", () -> rung.multiply(biased, zeros(8), zeros(12), null, zeros(6)));
            assertFails("bias of 3", () -> rung.multiply(biased, zeros(8), zeros(12), zeros(2), zeros(6)));
            assertFails("heap",
                    () -> rung.multiply(shape, MemorySegment.ofArray(new float[8]), zeros(12), null, zeros(6)));
        }
    }

    private static void assertFails(String part, Runnable call) {
        var message = assertThrows(IllegalArgumentException.class, call::run).getMessage();
        assertTrue(message.contains(part), message);
    }
}
