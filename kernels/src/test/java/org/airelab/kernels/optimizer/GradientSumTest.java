package org.airelab.kernels.optimizer;

import static org.airelab.kernels.Native.decode;
import static org.airelab.kernels.Native.encode;
import static org.airelab.kernels.Native.normal;
import static org.airelab.kernels.Native.zeros;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import org.airelab.kernels.DType;
import org.airelab.kernels.Native;
import org.airelab.kernels.shim.HostLauncher;
import org.airelab.kernels.shim.KernelFault;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Both ladders of {@link GradientSum}: a sum of two numbers is rounded once, so that all give the same bits. */
class GradientSumTest {
    private static float[] reference(MemorySegment addends, MemorySegment sums, int count) {
        var expected = Native.copy(sums);
        GradientSum.FAMILY.reference().add(addends, count, expected);
        return Native.array(expected);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 3, 8, 9, 1030, 16_385, 50_001})
    void everyRungOfTheCpuAgreesWithTheReference(int count) {
        for (var rung : GradientSum.FAMILY.rungs()) {
            var addends = normal(count, 1, 1);
            var sums = normal(count, 2, 3);
            var expected = reference(addends, sums, count);
            rung.add(addends, count, sums);
            assertArrayEquals(expected, Native.array(sums), rung.name());
        }
    }

    /** Addends and sums at any distance from multiples of 16 bytes. */
    @ParameterizedTest
    @ValueSource(ints = {0, 1, 3, 4, 8, 9, 17, 1030, 5001})
    void everyRungOfCudaAgreesWithTheReference(int count) {
        try (var host = new HostLauncher(count)) {
            for (var rung : GradientSum.FAMILY.cudaRungs()) {
                for (var dtype : DType.values()) {
                    for (var shift = 0; shift < 9; shift += shift < 2 ? 1 : 3) {
                        var addends = decode(encode(normal(count, 1, 1), dtype), dtype);
                        var sums = normal(count, 2, 3);
                        var expected = reference(addends, sums, count);
                        var there = host.copy(sums, 4L * (shift % 5));
                        rung.on(host, dtype).add(host.copy(encode(addends, dtype), (long) dtype.bytes() * shift), count,
                                there);
                        assertArrayEquals(expected, Native.array(Native.copy(there)),
                                rung.name() + " " + dtype + " " + count + " " + shift);
                    }
                }
            }
        }
    }

    @Test
    void nanAndInfinityStayWhereTheyAre() {
        var addends = normal(40, 1, 1);
        Native.set(addends, 17, Float.NaN);
        Native.set(addends, 18, Float.POSITIVE_INFINITY);
        var sums = normal(40, 2, 1);
        Native.set(sums, 18, Float.NEGATIVE_INFINITY);
        var expected = reference(addends, sums, 40);
        for (var rung : GradientSum.FAMILY.rungs()) {
            var actual = Native.copy(sums);
            rung.add(addends, 40, actual);
            assertArrayEquals(expected, Native.array(actual), rung.name());
        }
        for (var rung : GradientSum.FAMILY.cudaRungs()) {
            try (var host = new HostLauncher(1)) {
                var actual = host.copy(sums);
                rung.on(host, DType.BF16).add(host.copy(encode(addends, DType.BF16)), 40, actual);
                for (var i = 0; i < 40; i++) {
                    assertTrue(Float.isNaN(expected[i]) == Float.isNaN(Native.get(actual, i)), rung.name() + " " + i);
                }
            }
        }
    }

    @Test
    void sizesAreChecked() {
        for (var rung : GradientSum.FAMILY.rungs()) {
            assertThrows(IllegalArgumentException.class, () -> rung.add(zeros(4), 4, zeros(3)));
            assertThrows(IllegalArgumentException.class, () -> rung.add(zeros(3), 4, zeros(4)));
            assertThrows(IllegalArgumentException.class, () -> rung.add(zeros(0), -1, zeros(0)));
        }
        try (var host = new HostLauncher(1)) {
            var rung = GradientSum.FAMILY.cudaRungs().getLast().on(host, DType.BF16);
            assertThrows(IllegalArgumentException.class, () -> rung.add(zeros(4), 4, zeros(4)));
        }
    }

    @Test
    void aBugInAKernelIsFound() {
        for (var mutation : new String[][] {{"at + CHUNK > count || ", ""},
            {"if (at + i >= 0 && at + i < count) sums", "if (at + i >= 0) sums"}}) {
            try (var host = new HostLauncher(1).withMutation(mutation[0], mutation[1])) {
                var rung = GradientSum.FAMILY.cudaRungs().getLast().on(host, DType.BF16);
                assertThrows(KernelFault.class, () -> rung.add(host.copy(encode(normal(13, 1, 1), DType.BF16)), 13,
                        host.copy(zeros(13))));
            }
        }
    }
}
