package org.airelab.kernels.norm;

import static org.airelab.kernels.Native.assertAsGoodAsPlain;
import static org.airelab.kernels.Native.decode;
import static org.airelab.kernels.Native.encode;
import static org.airelab.kernels.Native.normal;
import static org.airelab.kernels.Native.zeros;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import org.airelab.kernels.DType;
import org.airelab.kernels.Native;
import org.airelab.kernels.cuda.CudaRung;
import org.airelab.kernels.shim.HostLauncher;
import org.airelab.kernels.shim.KernelFault;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** The CUDA ladder of {@link RmsNorm}, executed on the CPU. */
class CudaRmsNormTest {
    private static final float EPS = 1e-5f;
    private static final CudaRung<RmsNorm> NAIVE = RmsNorm.FAMILY.cudaRungs().getFirst();

    private record Inputs(MemorySegment x, MemorySegment weight, MemorySegment dy, int rows, int width) {
        /** Values that the type represents. */
        static Inputs of(int rows, int width, DType dtype) {
            var size = (long) rows * width;
            return new Inputs(decode(encode(normal(size, 1, 2), dtype), dtype),
                    decode(encode(normal(width, 2, 1), dtype), dtype), decode(encode(normal(size, 3, 1), dtype), dtype),
                    rows, width);
        }
    }

    /** Results as floats. */
    private record Result(MemorySegment y, MemorySegment rstd, MemorySegment dx, MemorySegment dWeight) {}

    private static Result reference(Inputs in) {
        var size = (long) in.rows * in.width;
        var result = new Result(zeros(size), zeros(in.rows), zeros(size), zeros(in.width));
        var norm = RmsNorm.FAMILY.reference();
        norm.forward(in.x, in.weight, result.y, result.rstd, in.rows, in.width, EPS);
        norm.backward(in.dy, in.x, in.weight, result.rstd, result.dx, result.dWeight, in.rows, in.width);
        return result;
    }

    private static Result run(HostLauncher host, CudaRung<RmsNorm> rung, DType dtype, Inputs in) {
        var norm = rung.on(host, dtype);
        var x = host.copy(encode(in.x, dtype));
        var weight = host.copy(encode(in.weight, dtype));
        var y = host.allocate(x.byteSize());
        var rstd = host.allocate(4L * in.rows);
        var dx = host.allocate(x.byteSize());
        var dWeight = host.allocate(weight.byteSize());
        norm.forward(x, weight, y, rstd, in.rows, in.width, EPS);
        norm.backward(host.copy(encode(in.dy, dtype)), x, weight, rstd, dx, dWeight, in.rows, in.width);
        return new Result(decode(y, dtype), Native.copy(rstd), decode(dx, dtype), decode(dWeight, dtype));
    }

    /**
     * Of the widths, 4100 is more than 512 threads hold of float32, 8200 and 9001 more than they hold of a half type;
     * 45 rows of 1032 are more than there are blocks.
     */
    @ParameterizedTest
    @CsvSource({"1, 1", "37, 7", "5, 32", "3, 100", "600, 9", "2, 1030", "45, 1032", "2, 4100", "2, 8200", "1, 9001"})
    void everyRungAgreesWithTheReference(int rows, int width) {
        for (var dtype : DType.values()) {
            var in = Inputs.of(rows, width, dtype);
            var expected = reference(in);
            try (var host = new HostLauncher(width)) {
                var plain = run(host, NAIVE, dtype, in);
                for (var rung : RmsNorm.FAMILY.cudaRungs()) {
                    var actual = run(host, rung, dtype, in);
                    var what = rung.name() + " " + dtype + " [" + rows + ", " + width + "]";
                    assertAsGoodAsPlain(expected.y, plain.y, actual.y, dtype, what + " y");
                    assertAsGoodAsPlain(expected.rstd, plain.rstd, actual.rstd, what + " rstd");
                    assertAsGoodAsPlain(expected.dWeight, plain.dWeight, actual.dWeight, dtype, what + " dWeight");
                    if (width > 1) { // with one element the gradient is the difference of equals
                        assertAsGoodAsPlain(expected.dx, plain.dx, actual.dx, dtype, what + " dx");
                    }
                }
            }
        }
    }

    /** What the kernels make of x and another matrix, and of a gradient of their sum beside that of its norm. */
    private static Result ofSum(HostLauncher host, CudaRung<RmsNorm> rung, DType dtype, Inputs in, MemorySegment added,
            MemorySegment dSum, MemorySegment sum) {
        var norm = rung.on(host, dtype);
        var total = host.copy(encode(added, dtype));
        var weight = host.copy(encode(in.weight, dtype));
        var y = host.allocate(total.byteSize());
        var rstd = host.allocate(4L * in.rows);
        var dx = host.allocate(total.byteSize());
        var dWeight = host.allocate(weight.byteSize());
        norm.forwardOfSum(host.copy(encode(in.x, dtype)), total, total, weight, y, rstd, in.rows, in.width, EPS);
        norm.backwardOfSum(host.copy(encode(in.dy, dtype)), host.copy(encode(dSum, dtype)), total, weight, rstd, dx,
                dWeight, in.rows, in.width);
        assertArrayEquals(Native.array(sum), Native.array(decode(total, dtype)), rung.name() + " sum");
        return new Result(decode(y, dtype), Native.copy(rstd), decode(dx, dtype), decode(dWeight, dtype));
    }

    @ParameterizedTest
    @CsvSource({"1, 1", "37, 7", "5, 32", "600, 9", "53, 500", "53, 1000", "2, 1030", "45, 1032", "2, 4100", "1, 9001"})
    void sumsAreNormalizedAndTheirGradientsAdded(int rows, int width) {
        var size = (long) rows * width;
        for (var dtype : DType.values()) {
            var in = Inputs.of(rows, width, dtype);
            var added = decode(encode(normal(size, 4, 1), dtype), dtype);
            var dSum = decode(encode(normal(size, 5, 1), dtype), dtype);
            var sum = decode(encode(plus(in.x, added), dtype), dtype);
            var expected = reference(new Inputs(sum, in.weight, in.dy, rows, width));
            var dx = plus(expected.dx, dSum);
            try (var host = new HostLauncher(width)) {
                var plain = ofSum(host, NAIVE, dtype, in, added, dSum, sum);
                for (var rung : RmsNorm.FAMILY.cudaRungs()) {
                    var actual = ofSum(host, rung, dtype, in, added, dSum, sum);
                    var what = rung.name() + " " + dtype + " [" + rows + ", " + width + "]";
                    assertAsGoodAsPlain(expected.y, plain.y, actual.y, dtype, what + " y");
                    assertAsGoodAsPlain(expected.rstd, plain.rstd, actual.rstd, what + " rstd");
                    assertAsGoodAsPlain(expected.dWeight, plain.dWeight, actual.dWeight, dtype, what + " dWeight");
                    assertAsGoodAsPlain(dx, plain.dx, actual.dx, dtype, what + " dx");
                }
            }
        }
    }

    private static MemorySegment plus(MemorySegment a, MemorySegment b) {
        var sum = Native.copy(a);
        for (var i = 0; i < sum.byteSize() / 4; i++) {
            Native.set(sum, i, Native.get(a, i) + Native.get(b, i));
        }
        return sum;
    }

    @ParameterizedTest
    @EnumSource
    void schedulesDoNotMatter(DType dtype) {
        var in = Inputs.of(600, 9, dtype);
        for (var rung : RmsNorm.FAMILY.cudaRungs()) {
            Result first = null;
            for (var seed = 0; seed < 4; seed++) {
                try (var host = new HostLauncher(seed)) {
                    var result = run(host, rung, dtype, in);
                    first = first == null ? result : first;
                    assertArrayEquals(Native.array(first.y), Native.array(result.y));
                    assertArrayEquals(Native.array(first.dx), Native.array(result.dx));
                    assertArrayEquals(Native.array(first.dWeight), Native.array(result.dWeight));
                }
            }
        }
    }

    @Test
    void worksInPlaceAndAwayFromMultiplesOfSixteenBytes() {
        var in = Inputs.of(5, 17, DType.FP32);
        var expected = reference(in);
        for (var rung : RmsNorm.FAMILY.cudaRungs()) {
            try (var host = new HostLauncher(1)) {
                var norm = rung.on(host, DType.FP32);
                var x = host.copy(in.x, 4);
                var weight = host.copy(in.weight, 12);
                var dy = host.copy(in.dy, 8);
                var rstd = host.allocate(4 * 5);
                var dWeight = host.allocate(4 * 17);
                norm.forward(x, weight, x, rstd, 5, 17, EPS);
                norm.backward(dy, host.copy(in.x), weight, rstd, dy, dWeight, 5, 17);
                assertTrue(Native.error(expected.y, x) < 1e-6, rung.name());
                assertTrue(Native.error(expected.dx, dy) < 1e-6, rung.name());
                assertTrue(Native.error(expected.dWeight, dWeight) < 1e-6, rung.name());
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void nonFiniteValuesAsTheReference(DType dtype) {
        var in = Inputs.of(4, 33, dtype);
        Native.set(in.x, 33 + 4, Float.NaN);
        Native.set(in.x, 2 * 33 + 32, Float.POSITIVE_INFINITY);
        var expected = reference(in);
        for (var rung : RmsNorm.FAMILY.cudaRungs()) {
            try (var host = new HostLauncher(1)) {
                var actual = run(host, rung, dtype, in);
                assertSameNan(expected.y, actual.y, rung.name() + " y");
                assertSameNan(expected.dx, actual.dx, rung.name() + " dx");
                assertSameNan(expected.dWeight, actual.dWeight, rung.name() + " dWeight");
            }
        }
    }

    private static void assertSameNan(MemorySegment expected, MemorySegment actual, String what) {
        for (var i = 0; i < expected.byteSize() / 4; i++) {
            assertEquals(Float.isNaN(Native.get(expected, i)), Float.isNaN(Native.get(actual, i)), what + " " + i);
        }
    }

    @Test
    void noRowsGiveNoGradient() {
        for (var rung : RmsNorm.FAMILY.cudaRungs()) {
            try (var host = new HostLauncher(1)) {
                var norm = rung.on(host, DType.FP16);
                var dWeight = host.allocate(2 * 4);
                norm.forward(zeros(0), zeros(2), zeros(0), zeros(0), 0, 4, EPS);
                norm.backward(zeros(0), zeros(0), zeros(2), zeros(0), zeros(0), dWeight, 0, 4);
                assertArrayEquals(new float[4], Native.array(decode(dWeight, DType.FP16)));
                assertThrows(IllegalArgumentException.class,
                        () -> norm.forward(zeros(4), zeros(2), zeros(2), zeros(1), 1, 4, EPS));
            }
        }
    }

    private static void assertFaults(int rung, String original, String replacement, String expected) {
        var in = Inputs.of(1102, 17, DType.FP32);
        for (var seed = 0; seed < 3; seed++) {
            try (var host = new HostLauncher(seed).withMutation(original, replacement)) {
                var fault = assertThrows(KernelFault.class,
                        () -> run(host, RmsNorm.FAMILY.cudaRungs().get(rung), DType.FP32, in));
                assertTrue(fault.getMessage().contains(expected), fault.getMessage());
            }
        }
    }

    @Test
    void aBugInAKernelIsFound() {
        assertFaults(0, "i < width; i++) squares +=", "i <= width; i++) squares +=", "reads 4 bytes");
        assertFaults(0, "end = min(rows, ((int) blockIdx.y + 1) * each)", "end = rows + 1", "out of bounds");
        assertFaults(1, "    if (row >= rows) return;\n    x +=", "    x +=", "out of bounds");
        assertFaults(1, "if (lane == 0) rstd[row] = r;", "rstd[row] = r;", "a race");
        assertFaults(1, "partials[(long long) blockIdx.y * width + column]", "partials[column]", "a race");
        assertFaults(2, "if (threadIdx.x % LANES == 0) rstd[row] = r;", "rstd[row] = r;", "a race");
        assertFaults(2, "partials += (long long) blockIdx.x * width",
                "partials += (long long) blockIdx.x * (width - 1)", "a race");
        assertFaults(2, "int end = min(width, HELD * STRIDE)", "int end = min(width + 1, HELD * STRIDE)",
                "writes 4 bytes");
        assertFaults(2, "    __syncthreads();\n    int end = min(width", "    int end = min(width",
                "nothing has been written");
        assertFaults(2, "step = gridDim.x * ROWS", "step = (gridDim.x - 1) * ROWS", "a race");
        assertFaults(2, "row = first_row; row < rows;", "row = first_row; row <= rows;", "out of bounds");
    }
}
