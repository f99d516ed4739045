package org.airelab.kernels.softmax;

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

/** The CUDA ladder of {@link Softmax}, executed on the CPU. */
class CudaSoftmaxTest {
    private static final CudaRung<Softmax> NAIVE = Softmax.FAMILY.cudaRungs().getFirst();

    /** Results as floats. */
    private record Result(MemorySegment y, MemorySegment dx) {}

    private static Result reference(MemorySegment x, MemorySegment dy, int rows, int width) {
        var result = new Result(zeros((long) rows * width), zeros((long) rows * width));
        Softmax.FAMILY.reference().forward(x, result.y, rows, width);
        Softmax.FAMILY.reference().backward(dy, result.y, result.dx, rows, width);
        return result;
    }

    /** Runs a rung, inputs beginning {@code shift} elements after a multiple of 256 bytes and outputs after another. */
    private static Result run(HostLauncher host, CudaRung<Softmax> rung, DType dtype, MemorySegment x, MemorySegment dy,
            int rows, int width, int shift, int outputShift) {
        var size = (long) rows * width;
        var bytes = dtype.bytes() * size;
        var softmax = rung.on(host, dtype);
        var y = host.allocate(bytes, dtype.bytes() * outputShift);
        var dx = host.allocate(bytes, dtype.bytes() * outputShift);
        softmax.forward(host.copy(encode(x, dtype), dtype.bytes() * shift), y, rows, width);
        softmax.backward(host.copy(encode(dy, dtype), dtype.bytes() * shift), y, dx, rows, width);
        return new Result(decode(y, dtype), decode(dx, dtype));
    }

    private static MemorySegment rounded(MemorySegment floats, DType dtype) {
        return decode(encode(floats, dtype), dtype);
    }

    /** Of the widths, 9001 is more than 512 threads hold of float32, 17001 more than they hold of a half type. */
    @ParameterizedTest
    @CsvSource({"1, 1", "37, 7", "5, 32", "3, 33", "2, 257", "2, 1030", "1, 9001", "1, 17001"})
    void everyRungAgreesWithTheReference(int rows, int width) {
        for (var dtype : DType.values()) {
            var x = rounded(normal((long) rows * width, 1, 2), dtype);
            var dy = rounded(normal((long) rows * width, 2, 1), dtype);
            var expected = reference(x, dy, rows, width);
            try (var host = new HostLauncher(width)) {
                var plain = run(host, NAIVE, dtype, x, dy, rows, width, 0, 0);
                for (var rung : Softmax.FAMILY.cudaRungs()) {
                    var actual = run(host, rung, dtype, x, dy, rows, width, 0, 0);
                    var what = rung.name() + " " + dtype + " [" + rows + ", " + width + "]";
                    assertAsGoodAsPlain(expected.y, plain.y, actual.y, dtype, what + " y");
                    if (width > 1) { // with one element the gradient is the difference of equals
                        // The gradient is of the rounded y, which the reference's is not.
                        assertTrue(Native.error(expected.dx, actual.dx)
                                <= Math.max(1e-6, 2 * Native.error(expected.dx, plain.dx)), what + " dx");
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void rowsMayBeginAnywhereAndSchedulesDoNotMatter(DType dtype) {
        var x = normal(3 * 77, 1, 2);
        var dy = normal(3 * 77, 2, 1);
        for (var rung : Softmax.FAMILY.cudaRungs()) {
            Result first = null;
            for (var seed = 0; seed < 4; seed++) {
                for (var outputShift : new int[] {1, 3}) {
                    try (var host = new HostLauncher(seed)) {
                        var result = run(host, rung, dtype, x, dy, 3, 77, 1, outputShift);
                        first = first == null ? result : first;
                        if (outputShift == 1) {
                            assertArrayEquals(Native.array(first.dx), Native.array(result.dx));
                        }
                        assertArrayEquals(Native.array(first.y), Native.array(result.y), rung.name());
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void rowsSumToOneAndAConstantChangesNothing(DType dtype) {
        var x = rounded(normal(2 * 100, 3, 1), dtype);
        // What rounding y to the type can cost a sum of 100 values that add up to 1.
        var tolerance = dtype == DType.FP32 ? 1e-6 : dtype == DType.FP16 ? 1e-3 : 8e-3;
        for (var rung : Softmax.FAMILY.cudaRungs()) {
            try (var host = new HostLauncher(1)) {
                var y = run(host, rung, dtype, x, x, 2, 100, 0, 0).y;
                for (var row = 0; row < 2; row++) {
                    var sum = 0.0;
                    for (var i = 0; i < 100; i++) {
                        sum += Native.get(y, row * 100 + i);
                    }
                    assertEquals(1, sum, tolerance, rung.name());
                }
                var integers = zeros(2 * 100);
                var shifted = zeros(2 * 100);
                for (var i = 0; i < 200; i++) {
                    Native.set(integers, i, i * 7 % 13);
                    Native.set(shifted, i, i * 7 % 13 + 100);
                }
                assertArrayEquals(Native.array(run(host, rung, dtype, integers, x, 2, 100, 0, 0).y),
                        Native.array(run(host, rung, dtype, shifted, x, 2, 100, 0, 0).y));
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void nonFiniteValuesAsTheReference(DType dtype) {
        var width = 45;
        var x = normal(5 * width, 1, 1);
        Native.set(x, width + 3, Float.NaN);
        Native.set(x, 2 * width + 44, Float.POSITIVE_INFINITY);
        Native.set(x, 3 * width + 9, Float.NEGATIVE_INFINITY);
        x.asSlice(4L * 4 * width).copyFrom(encode(constant(width, Float.NEGATIVE_INFINITY), DType.FP32));
        var expected = reference(rounded(x, dtype), rounded(x, dtype), 5, width);
        for (var rung : Softmax.FAMILY.cudaRungs()) {
            try (var host = new HostLauncher(1)) {
                var actual = run(host, rung, dtype, x, normal(5 * width, 2, 1), 5, width, 0, 0);
                for (var i = 0; i < 5 * width; i++) {
                    assertEquals(Float.isNaN(Native.get(expected.y, i)), Float.isNaN(Native.get(actual.y, i)),
                            rung.name() + " " + i);
                }
                assertEquals(0, Native.get(actual.y, 3 * width + 9));
            }
        }
    }

    private static MemorySegment constant(int count, float value) {
        var values = zeros(count);
        for (var i = 0; i < count; i++) {
            Native.set(values, i, value);
        }
        return values;
    }

    @Test
    void worksInPlace() {
        var expected = reference(normal(3 * 130, 1, 2), normal(3 * 130, 2, 1), 3, 130);
        for (var rung : Softmax.FAMILY.cudaRungs()) {
            try (var host = new HostLauncher(1)) {
                var softmax = rung.on(host, DType.FP32);
                var x = host.copy(normal(3 * 130, 1, 2));
                var dy = host.copy(normal(3 * 130, 2, 1));
                softmax.forward(x, x, 3, 130);
                softmax.backward(dy, x, dy, 3, 130);
                assertTrue(Native.error(expected.y, x) < 1e-6, rung.name());
                assertTrue(Native.error(expected.dx, dy) < 1e-6, rung.name());
            }
        }
    }

    @Test
    void noRowsLaunchNothing() {
        for (var rung : Softmax.FAMILY.cudaRungs()) {
            try (var host = new HostLauncher(1)) {
                var softmax = rung.on(host, DType.BF16);
                softmax.forward(zeros(0), zeros(0), 0, 4);
                softmax.backward(zeros(0), zeros(0), zeros(0), 0, 4);
                assertThrows(IllegalArgumentException.class, () -> softmax.forward(zeros(4), zeros(4), 1, 4));
            }
        }
    }

    private static void assertFaults(int rung, String original, String replacement, String expected) {
        assertFaults(rung, 129, original, replacement, expected);
    }

    private static void assertFaults(int rung, int width, String original, String replacement, String expected) {
        for (var seed = 0; seed < 3; seed++) {
            try (var host = new HostLauncher(seed).withMutation(original, replacement)) {
                var fault = assertThrows(KernelFault.class, () -> run(host, Softmax.FAMILY.cudaRungs().get(rung),
                        DType.FP32, normal(130 * width, 1, 1), normal(130 * width, 2, 1), 130, width, 0, 0));
                assertTrue(fault.getMessage().contains(expected), fault.getMessage());
            }
        }
    }

    @Test
    void aBugInAKernelIsFound() {
        assertFaults(2, 530, "if (LANES > 32) __syncthreads();", "", "static shared memory");
        assertFaults(2, 530, "row_sum(sum, scratch[1])", "row_sum(sum, scratch[0])", "a race");
        assertFaults(2, "    if (row >= rows) return; // a whole warp, and no barrier follows\n    x +=", "    x +=",
                "out of bounds");
        assertFaults(2, "end = width - (width - before) % CHUNK", "end = width", "");
        assertFaults(2, "? end + lane - CHUNK", "? end + lane + 1 - CHUNK", "");
        assertFaults(2, "    y += (long long) row * width;\n    if (misaligned",
                "    y += (long long) row * (width + 1);\n    if (misaligned", "writes");
        assertFaults(1, "    if (row >= rows) return;\n    x +=", "    x +=", "out of bounds");
        assertFaults(0, "    for (int i = 0; i < width; i++) y[i]", "    for (int i = 0; i <= width; i++) y[i]", "");
    }
}
