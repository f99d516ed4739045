package org.airelab.kernels.matmul;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.lang.foreign.MemorySegment;
import java.util.List;
import org.airelab.kernels.DType;
import org.airelab.kernels.Native;
import org.airelab.kernels.cuda.CudaRung;
import org.airelab.kernels.matmul.MatmulShape.Epilogue;
import org.airelab.kernels.shim.HostLauncher;
import org.airelab.kernels.shim.KernelFault;
import org.junit.jupiter.api.Test;

/** The portable CUDA rungs on the CPU: every element type, all transpositions, sizes around those of the tiles. */
class CudaMatmulTest {
    /** Sizes m, n, k: one, primes, a tile and one more or less, rows that are aligned to 16 bytes and rows that are not. */
    private static final int[][] SIZES = {{1, 1, 1}, {2, 3, 131}, {63, 65, 17}, {64, 64, 32}, {65, 33, 31}, {40, 72, 48},
            {67, 132, 64}, {1, 300, 20}, {190, 2, 24}};
    /** Enough for the tiles of the largest size on the shim's four multiprocessors, in both kinds of ladder. */
    private static final int[] LARGE = {200, 300, 40};
    private static final List<CudaRung<Matmul>> RUNGS =
            CudaMatmuls.rungs().stream().filter(CudaRung::portable).toList();

    private record Problem(MatmulShape shape, DType dtype, MemorySegment a, MemorySegment b, MemorySegment bias,
            MemorySegment c) {
        static Problem of(MatmulShape shape, DType dtype) {
            return new Problem(shape, dtype, random((long) shape.m() * shape.k(), 1, dtype),
                    random((long) shape.k() * shape.n(), 2, dtype), random(shape.n(), 3, dtype),
                    random((long) shape.m() * shape.n(), 4, dtype));
        }

        private static MemorySegment random(long count, long seed, DType dtype) {
            return Native.encode(Native.normal(count, seed, 1), dtype);
        }

        double[] float64() {
            var result = new double[shape.m() * shape.n()];
            for (var i = 0; i < shape.m(); i++) {
                for (var j = 0; j < shape.n(); j++) {
                    result[i * shape.n() + j] = element(i, j);
                }
            }
            return result;
        }

        private double element(int i, int j) {
            var sum = 0.0;
            for (var p = 0; p < shape.k(); p++) {
                sum += (double) dtype.get(a, shape.transposeA() ? p * shape.m() + i : i * shape.k() + p)
                        * dtype.get(b, shape.transposeB() ? j * shape.k() + p : p * shape.n() + j);
            }
            var x = shape.alpha() * sum + (shape.bias() ? dtype.get(bias, j) : 0);
            x += shape.beta() == 0 ? 0 : shape.beta() * dtype.get(c, (long) i * shape.n() + j);
            return switch (shape.epilogue()) {
                case NONE -> x;
                case GELU -> x / 2 * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
                case SILU -> x / (1 + Math.exp(-x));
            };
        }

        /** What a rung makes of it. With beta 0, reading C is a fault. */
        MemorySegment run(CudaRung<Matmul> rung, HostLauncher host) {
            var out = shape.beta() == 0 ? host.allocate(c.byteSize()) : host.copy(c);
            rung.on(host, dtype).multiply(shape, host.copy(a), host.copy(b), shape.bias() ? host.copy(bias) : null, out);
            return Native.decode(out, dtype);
        }

        MemorySegment run(CudaRung<Matmul> rung, long seed) {
            try (var host = new HostLauncher(seed)) {
                return run(rung, host);
            }
        }
    }

    /** Root mean square of the differences, relative to that of what was expected. */
    private static double error(double[] expected, MemorySegment actual) {
        var difference = 0.0;
        var size = 1e-30;
        for (var i = 0; i < expected.length; i++) {
            difference += Math.pow(expected[i] - Native.get(actual, i), 2);
            size += Math.pow(expected[i], 2);
        }
        return Math.sqrt(difference / size);
    }

    /** Twice the naive rung's error, or what rounding alone may make of a few values. */
    private static double limit(Problem problem, double[] expected) {
        var rounding = switch (problem.dtype) {
            case FP32 -> 1e-6;
            case FP16 -> 0x1p-11;
            case BF16 -> 0x1p-8;
        };
        return Math.max(rounding, 2 * error(expected, problem.run(RUNGS.getFirst(), 0)));
    }

    private static void check(MatmulShape shape, DType dtype, long seed) {
        var problem = Problem.of(shape, dtype);
        var expected = problem.float64();
        var limit = limit(problem, expected);
        for (var rung : RUNGS) {
            if (rung.dtypes().contains(dtype)) {
                var error = error(expected, problem.run(rung, seed));
                assertTrue(error <= limit, () -> rung.name() + " in " + dtype + ", " + shape
                        + ": expected an error of at most " + limit + ", found " + error);
            }
        }
    }

    /** One of the transpositions, with an epilogue; what is added varies with the seed. */
    private static MatmulShape shape(int[] size, int transposition, int seed) {
        var beta = seed % 2 == 0 ? 0 : -1.5f;
        var epilogue = Epilogue.values()[transposition % 3];
        return new MatmulShape(size[0], size[1], size[2], transposition / 2 == 1, transposition % 2 == 1,
                seed % 3 == 0 ? 1 : 0.5f, beta, seed % 4 < 2, epilogue);
    }

    private static void checkAll(DType dtype) {
        for (var transposition = 0; transposition < 4; transposition++) {
            for (var s = 0; s < SIZES.length; s++) {
                check(shape(SIZES[s], transposition, s + transposition), dtype, s);
            }
        }
    }

    @Test
    void float32() {
        checkAll(DType.FP32);
    }

    @Test
    void float16() {
        checkAll(DType.FP16);
    }

    @Test
    void bfloat16() {
        checkAll(DType.BF16);
    }

    @Test
    void largeTiles() {
        check(shape(LARGE, 0, 1), DType.FP32, 1);
        check(shape(LARGE, 3, 2), DType.FP32, 2);
        check(shape(LARGE, 1, 3), DType.BF16, 3);
        check(shape(LARGE, 2, 4), DType.BF16, 4);
    }

    @Test
    void schedulesDoNotMatter() {
        for (var rung : RUNGS) {
            for (var dtype : rung.dtypes()) {
                var problem = Problem.of(shape(new int[] {65, 33, 70}, 0, 3), dtype);
                var expected = Native.array(problem.run(rung, 100));
                for (var seed = 101; seed < 104; seed++) {
                    org.junit.jupiter.api.Assertions.assertArrayEquals(expected, Native.array(problem.run(rung, seed)));
                }
            }
        }
    }

    @Test
    void nanAndInfinityGoWhereTheyBelong() {
        for (var rung : RUNGS) {
            for (var dtype : rung.dtypes()) {
                var problem = Problem.of(MatmulShape.of(35, 37, 19), dtype);
                dtype.set(problem.a, 20 * 19 + 18, Float.NaN);
                dtype.set(problem.b, 3 * 37 + 36, Float.POSITIVE_INFINITY);
                var c = problem.run(rung, 5);
                for (var i = 0; i < 35; i++) {
                    for (var j = 0; j < 37; j++) {
                        var value = Native.get(c, i * 37 + j);
                        var what = rung.name() + " in " + dtype + " [" + i + ", " + j + "]: " + value;
                        assertEquals(i == 20, Float.isNaN(value), what);
                        assertEquals(i != 20 && j == 36, Float.isInfinite(value), what);
                    }
                }
            }
        }
    }

    @Test
    void argumentsAreChecked() {
        try (var host = new HostLauncher(1)) {
            for (var rung : CudaMatmuls.rungs()) {
                var dtype = rung.dtypes().iterator().next();
                var matmul = rung.on(host, dtype);
                var good = host.copy(Native.encode(Native.zeros(6), dtype));
                var bad = host.copy(Native.encode(Native.zeros(7), dtype));
                var shape = MatmulShape.of(3, 2, 2);
                var b = host.copy(Native.encode(Native.zeros(4), dtype));
                assertThrows(IllegalArgumentException.class, () -> matmul.multiply(shape, bad, b, null, good));
                assertThrows(IllegalArgumentException.class, () -> matmul.multiply(shape, good, bad, null, good));
                assertThrows(IllegalArgumentException.class, () -> matmul.multiply(shape, good, b, null, bad));
                assertThrows(IllegalArgumentException.class, () -> matmul.multiply(shape, good, b, b, good));
            }
        }
    }
}
