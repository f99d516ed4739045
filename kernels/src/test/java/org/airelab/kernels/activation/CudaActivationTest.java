package org.airelab.kernels.activation;

import static org.airelab.kernels.Native.assertAsGoodAsPlain;
import static org.airelab.kernels.Native.decode;
import static org.airelab.kernels.Native.encode;
import static org.airelab.kernels.Native.normal;
import static org.airelab.kernels.Native.zeros;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.lang.foreign.MemorySegment;
import java.util.List;
import org.airelab.kernels.DType;
import org.airelab.kernels.Family;
import org.airelab.kernels.Native;
import org.airelab.kernels.cuda.CudaRung;
import org.airelab.kernels.shim.HostLauncher;
import org.airelab.kernels.shim.Mutants;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The CUDA ladders of {@link Activation}, executed on the CPU. */
class CudaActivationTest {
    private static final List<Family<Activation>> FAMILIES =
            List.of(Activation.GELU, Activation.GELU_TANH, Activation.RELU);

    /** Results as floats. */
    private record Result(MemorySegment y, MemorySegment dx) {}

    /** Values that the type represents. */
    private static MemorySegment rounded(long count, long seed, double deviation, DType dtype) {
        return decode(encode(normal(count, seed, deviation), dtype), dtype);
    }

    private static Result reference(Activation activation, MemorySegment x, MemorySegment dy) {
        var count = x.byteSize() / 4;
        var result = new Result(zeros(count), zeros(count));
        activation.forward(x, result.y, count);
        activation.backward(dy, x, result.dx, count);
        return result;
    }

    /** Runs a rung, x beginning {@code shift} elements after a multiple of 256 bytes and the others further on. */
    private static Result run(HostLauncher host, CudaRung<Activation> rung, DType dtype, MemorySegment x,
            MemorySegment dy, int shift) {
        var count = x.byteSize() / 4;
        var unit = (long) dtype.bytes();
        var activation = rung.on(host, dtype);
        var in = host.copy(encode(x, dtype), unit * shift);
        var y = host.allocate(unit * count, 2 * unit * shift);
        var dx = host.allocate(unit * count, unit * shift);
        activation.forward(in, y, count);
        activation.backward(host.copy(encode(dy, dtype), 3 * unit * shift), in, dx, count);
        return new Result(decode(y, dtype), decode(dx, dtype));
    }

    private static void check(HostLauncher host, Family<Activation> family, CudaRung<Activation> rung, DType dtype,
            int count, int shift) {
        var x = rounded(count, 1, 3, dtype);
        var dy = rounded(count, 2, 1, dtype);
        var expected = reference(family.reference(), x, dy);
        var plain = reference(family.rungs().getFirst(), x, dy);
        var actual = run(host, rung, dtype, x, dy, shift);
        var what = family + " " + rung.name() + " " + dtype + " " + count;
        assertAsGoodAsPlain(expected.y, plain.y, actual.y, dtype, what + " forward");
        assertAsGoodAsPlain(expected.dx, plain.dx, actual.dx, dtype, what + " backward");
    }

    /** 1024 and 2048 fill the vectorized rung's blocks, but for where memory begins. */
    @ParameterizedTest
    @ValueSource(ints = {1, 3, 4, 7, 8, 9, 257, 1024, 1030, 2048, 5003})
    void everyRungAgreesWithTheReferenceWhereverItBegins(int count) {
        try (var host = new HostLauncher(count)) {
            for (var family : FAMILIES) {
                for (var rung : family.cudaRungs()) {
                    for (var dtype : DType.values()) {
                        check(host, family, rung, dtype, count, 0);
                        check(host, family, rung, dtype, Math.min(count, 2048), 1);
                        check(host, family, rung, dtype, Math.min(count, 2048), 3);
                    }
                }
            }
        }
    }

    /** As in {@link ActivationTest}: also where the exact value is nearly nothing. */
    @Test
    void noSingleValueIsFarOff() {
        var count = 4001;
        var x = zeros(count);
        var ones = zeros(count);
        for (var i = 0; i < count; i++) {
            Native.set(x, i, (i - 2000) / 200f);
            Native.set(ones, i, 1);
        }
        try (var host = new HostLauncher(1)) {
            for (var family : FAMILIES) {
                var expected = reference(family.reference(), x, ones);
                for (var rung : family.cudaRungs()) {
                    var actual = run(host, rung, DType.FP32, x, ones, 0);
                    for (var i = 0; i < count; i++) {
                        assertNear(Native.get(expected.y, i), Native.get(actual.y, i), 5e-7, family + " at " + i);
                        assertNear(Native.get(expected.dx, i), Native.get(actual.dx, i), 1e-6, family + "' at " + i);
                    }
                }
            }
        }
    }

    private static void assertNear(float expected, float actual, double tolerance, String what) {
        assertEquals(expected, actual, tolerance * (1 + Math.abs(expected)), what);
    }

    @Test
    void theExactGeluKeepsItsTail() {
        var x = Native.of(-1, -2, -3, -4, -5, -6, -8, -10);
        try (var host = new HostLauncher(1)) {
            var expected = reference(Activation.GELU.reference(), x, x);
            for (var rung : Activation.GELU.cudaRungs()) {
                var actual = run(host, rung, DType.FP32, x, x, 0);
                for (var i = 0; i < 8; i++) {
                    var e = Native.get(expected.y, i);
                    assertEquals(e, Native.get(actual.y, i), 1e-5 * Math.abs(e), rung.name() + " at " + i);
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void hugeAndNonFiniteValuesAsTheReference(DType dtype) {
        var infinity = Float.POSITIVE_INFINITY;
        var x = decode(encode(Native.of(6e4f, -6e4f, 1e13f, -1e13f, 1e20f, -1e20f, 3e38f, -3e38f, infinity, -infinity,
                Float.NaN, 0, -0f), dtype), dtype);
        var ones = Native.of(1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1);
        try (var host = new HostLauncher(1)) {
            for (var family : FAMILIES) {
                var expected = reference(family.reference(), x, ones);
                for (var rung : family.cudaRungs()) {
                    var actual = run(host, rung, dtype, x, ones, 0);
                    assertArrayEquals(Native.array(expected.y), Native.array(actual.y), 1e-30f, family.name());
                    for (var i = 0; i < 11; i++) {
                        assertEquals(Native.get(expected.dx, i), Native.get(actual.dx, i), 1e-30, family + "' " + i);
                    }
                }
            }
        }
    }

    @Test
    void worksInPlaceAndOnNothing() {
        var x = normal(1003, 1, 2);
        for (var family : FAMILIES) {
            for (var rung : family.cudaRungs()) {
                try (var host = new HostLauncher(1)) {
                    var expected = run(host, rung, DType.FP32, x, x, 0);
                    var activation = rung.on(host, DType.FP32);
                    var inPlace = host.copy(x);
                    activation.forward(inPlace, inPlace, 1003);
                    assertArrayEquals(Native.array(expected.y), Native.array(inPlace));
                    var gradient = host.copy(x);
                    activation.backward(gradient, host.copy(x), gradient, 1003);
                    assertArrayEquals(Native.array(expected.dx), Native.array(gradient));
                    activation.forward(zeros(0), zeros(0), 0);
                    activation.backward(zeros(0), zeros(0), zeros(0), 0);
                    assertThrows(IllegalArgumentException.class, () -> activation.forward(zeros(4), zeros(3), 4));
                }
            }
        }
    }

    private static void assertKilled(int rung, int count, int shift, String original, String replacement) {
        for (var dtype : List.of(DType.FP32, DType.BF16)) {
            Mutants.assertKilled(original, replacement, host -> check(host, Activation.GELU,
                    Activation.GELU.cudaRungs().get(rung), dtype, count, shift));
        }
    }

    @Test
    void aBugInAKernelIsFound() {
        assertKilled(0, 300, 0, "if (i < count) y[i]", "if (i <= count) y[i]");
        assertKilled(0, 300, 0, "if (i < count) dx[i]", "if (i < count - 1) dx[i]");
        assertKilled(0, 300, 0, "* SLOPE(", "* CURVE(");
        assertKilled(1, 5003, 0, "* CHUNK - misaligned", "* (CHUNK - 1) - misaligned");
        assertKilled(1, 5003, 0, "* CHUNK - misaligned", "* (CHUNK + 1) - misaligned");
        assertKilled(1, 301, 1, "* CHUNK - misaligned", "* CHUNK + misaligned");
        assertKilled(1, 301, 1, "at + i < width) row[at", "at + i <= width) row[at");
        assertKilled(1, 301, 1, "at + i < width;", "at + i < width - 1;");
        assertKilled(1, 301, 1, "misaligned_elements(row + at) == 0) {\n        uint4 bits",
                "true) {\n        uint4 bits");
        assertKilled(1, 301, 1, "(row + at) == 0) {\n        store_16",
                "(row + at) >= 0) {\n        store_16");
        assertKilled(1, 301, 0, "i < CHUNK; i++) v[i] = CURVE", "i < CHUNK - 1; i++) v[i] = CURVE");
    }
}
