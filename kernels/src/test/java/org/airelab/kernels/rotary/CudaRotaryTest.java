package org.airelab.kernels.rotary;

import static org.airelab.kernels.Native.assertAsGoodAsPlain;
import static org.airelab.kernels.Native.decode;
import static org.airelab.kernels.Native.encode;
import static org.airelab.kernels.Native.normal;
import static org.airelab.kernels.Native.zeros;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import org.airelab.kernels.DType;
import org.airelab.kernels.Native;
import org.airelab.kernels.cuda.CudaRung;
import org.airelab.kernels.rotary.RotaryTable.Pairing;
import org.airelab.kernels.shim.HostLauncher;
import org.airelab.kernels.shim.KernelFault;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** The CUDA ladder of {@link Rotary}, executed on the CPU. */
class CudaRotaryTest {
    private static final CudaRung<Rotary> NAIVE = Rotary.FAMILY.cudaRungs().getFirst();

    private record Case(int rows, int time, int rotated, int heads, int size, Pairing pairing) {
        RotaryTable table() {
            return new RotaryTable(time + 2, size, 10_000, pairing);
        }

        /** Numbers that the type represents. */
        MemorySegment source(DType dtype) {
            return decode(encode(normal((long) rows * heads * size, 1, 1), dtype), dtype);
        }

        MemorySegment reference(MemorySegment source, boolean inverse) {
            var target = zeros((long) rows * heads * size);
            Rotary.FAMILY.reference().rotate(table(), source, target, rows, time, rotated, heads, inverse);
            return target;
        }

        /** Rotates on a device, source and target beginning {@code shift} elements after a multiple of 256 bytes. */
        MemorySegment run(HostLauncher host, CudaRung<Rotary> rung, DType dtype, MemorySegment source, boolean inverse,
                boolean inPlace, int shift) {
            var bytes = (long) dtype.bytes() * shift;
            var encoded = encode(source, dtype);
            var from = host.copy(encoded, bytes);
            var to = inPlace ? from : host.allocate(encoded.byteSize(), bytes);
            var table = table();
            rung.on(host, dtype).rotate(table.in(host.copy(table.cosines()), host.copy(table.sines())), from, to, rows,
                    time, rotated, heads, inverse);
            return decode(to, dtype);
        }

        MemorySegment run(HostLauncher host, CudaRung<Rotary> rung, DType dtype, MemorySegment source) {
            return run(host, rung, dtype, source, false, false, 0);
        }
    }

    /** Sizes with and without whole chunks in a half; 4200 has more of them than a block threads. */
    @ParameterizedTest
    @CsvSource({"1, 1, 1, 1, 2", "7, 3, 3, 5, 6", "5, 5, 2, 2, 8", "3, 2, 2, 3, 16", "9, 4, 12, 18, 24",
        "2, 2, 40, 60, 32", "4, 2, 3, 4, 128", "3, 3, 0, 2, 4", "2, 2, 1, 2, 4200"})
    void everyRungAgreesWithTheReference(int rows, int time, int rotated, int heads, int size) {
        for (var pairing : Pairing.values()) {
            var c = new Case(rows, time, rotated, heads, size, pairing);
            for (var dtype : DType.values()) {
                var source = c.source(dtype);
                try (var host = new HostLauncher(size)) {
                    for (var inverse : new boolean[] {false, true}) {
                        var expected = c.reference(source, inverse);
                        var plain = c.run(host, NAIVE, dtype, source, inverse, false, 0);
                        for (var rung : Rotary.FAMILY.cudaRungs()) {
                            var what = rung.name() + " " + dtype + " " + c + " " + inverse;
                            var actual = c.run(host, rung, dtype, source, inverse, false, 0);
                            assertAsGoodAsPlain(expected, plain, actual, dtype, what);
                            assertCopied(c, source, actual, what);
                            assertEquals(-1, actual.mismatch(c.run(host, rung, dtype, source, inverse, true, 0)),
                                    what + " in place");
                        }
                    }
                }
            }
        }
    }

    private static void assertCopied(Case c, MemorySegment source, MemorySegment actual, String what) {
        for (var row = 0L; row < c.rows; row++) {
            var from = 4 * (row * c.heads + c.rotated) * c.size;
            var bytes = 4L * (c.heads - c.rotated) * c.size;
            assertEquals(-1, actual.asSlice(from, bytes).mismatch(source.asSlice(from, bytes)), what);
        }
    }

    @ParameterizedTest
    @EnumSource
    void rowsMayBeginAnywhereAndSchedulesDoNotMatter(DType dtype) {
        for (var pairing : Pairing.values()) {
            var c = new Case(5, 3, 4, 6, 32, pairing);
            var source = c.source(dtype);
            for (var rung : Rotary.FAMILY.cudaRungs()) {
                MemorySegment first = null;
                for (var seed = 0; seed < 3; seed++) {
                    for (var shift : new int[] {0, 1, 4}) {
                        try (var host = new HostLauncher(seed)) {
                            var result = c.run(host, rung, dtype, source, false, seed == 1, shift);
                            first = first == null ? result : first;
                            assertEquals(-1, first.mismatch(result), rung.name());
                        }
                    }
                }
            }
        }
    }

    /** Infinity times a sine of 0 is NaN: a pair's, and of turned heads only. */
    @ParameterizedTest
    @EnumSource
    void nonFiniteValuesAsTheReference(DType dtype) {
        for (var pairing : Pairing.values()) {
            var c = new Case(4, 2, 2, 3, 16, pairing);
            var source = c.source(dtype);
            Native.set(source, 3, Float.NaN);
            Native.set(source, 21, Float.POSITIVE_INFINITY);
            Native.set(source, 40, Float.NEGATIVE_INFINITY); // in a head that is copied
            Native.set(source, 48 + 5, Float.NEGATIVE_INFINITY);
            var expected = c.reference(source, false);
            for (var rung : Rotary.FAMILY.cudaRungs()) {
                try (var host = new HostLauncher(1)) {
                    var actual = c.run(host, rung, dtype, source);
                    for (var i = 0; i < 4 * 3 * 16; i++) {
                        assertEquals(Native.get(expected, i), Native.get(actual, i), 2e-2, rung.name() + " " + i);
                    }
                }
            }
        }
    }

    @Test
    void nothingToDoLaunchesNothing() {
        var table = new RotaryTable(4, 8, 10_000, Pairing.INTERLEAVED);
        for (var rung : Rotary.FAMILY.cudaRungs()) {
            try (var host = new HostLauncher(1)) {
                var rotary = rung.on(host, DType.BF16);
                rotary.rotate(table, zeros(0), zeros(0), 0, 4, 1, 1, false);
                var rows = zeros(4); // not the device's: a launch would fault
                rotary.rotate(table, rows, rows, 1, 4, 0, 1, false);
                assertThrows(IllegalArgumentException.class,
                        () -> rotary.rotate(table, zeros(8), zeros(8), 1, 4, 1, 1, false));
            }
        }
    }

    @Test
    void aTableKnowsItsSize() {
        var table = new RotaryTable(4, 8, 10_000, Pairing.INTERLEAVED);
        var e = assertThrows(IllegalArgumentException.class, () -> table.in(table.cosines(), zeros(31)));
        assertTrue(e.getMessage().contains("expected sines of 32"), e.getMessage());
    }

    private static void assertFaults(Pairing pairing, int rung, String original, String replacement, String expected) {
        var c = new Case(9, 9, 100, 101, 18, pairing);
        for (var seed = 0; seed < 3; seed++) {
            try (var host = new HostLauncher(seed).withMutation(original, replacement)) {
                var fault = assertThrows(KernelFault.class, () -> c.run(host, Rotary.FAMILY.cudaRungs().get(rung),
                        DType.FP32, c.source(DType.FP32), false, true, 0));
                assertTrue(fault.getMessage().contains(expected), fault.getMessage());
            }
        }
    }

    @Test
    void aBugInAKernelIsFound() {
        assertFaults(Pairing.INTERLEAVED, 0, "    if (at >= pairs) return;\n", "", "out of bounds");
        assertFaults(Pairing.INTERLEAVED, 0, "distance == 1 ? 2 * pair : pair", "pair", "a race");
        assertFaults(Pairing.HALF_SPLIT, 0, "row % time * size", "(row + time) * size", "out of bounds");
        assertFaults(Pairing.HALF_SPLIT, 1, "    if (!place.exists) return;\n", "", "out of bounds");
        assertFaults(Pairing.HALF_SPLIT, 1, "place.row * row_heads + head", "place.row * (row_heads - 2) + head",
                "a race");
        assertFaults(Pairing.HALF_SPLIT, 1, "i < min(at + CHUNK, width)", "i < at + CHUNK", "a race");
        assertFaults(Pairing.INTERLEAVED, 1, "i < min(at + CHUNK, width)", "i < at + CHUNK", "a race");
        assertFaults(Pairing.INTERLEAVED, 1, "INTERLEAVED ? 2 : 1", "1", "a race");
    }

    /** Such a bug reads and writes nothing it must not: the numbers show it. */
    private static void assertWrong(Pairing pairing, int size, String original, String replacement) {
        var c = new Case(9, 9, 2, 3, size, pairing);
        var source = c.source(DType.FP32);
        try (var host = new HostLauncher(1).withMutation(original, replacement)) {
            var actual = c.run(host, Rotary.FAMILY.cudaRungs().getLast(), DType.FP32, source);
            assertTrue(Native.error(c.reference(source, false), actual) > 1e-3, replacement);
        }
    }

    @Test
    void aWrongNumberIsSeen() {
        // Of 16, halves are of whole chunks; of 18, they are not, and neither are heads.
        for (var size : new int[] {16, 18}) {
            assertWrong(Pairing.HALF_SPLIT, size, "x * cosine - y * sine", "x * cosine + y * sine");
            assertWrong(Pairing.INTERLEAVED, size, "y * cosine + x * sine", "y * cosine - x * sine");
            assertWrong(Pairing.HALF_SPLIT, size, "head < rotated", "head <= rotated");
        }
        assertWrong(Pairing.HALF_SPLIT, 16, "sines + apart + at, sign", "sines + at, sign");
        assertWrong(Pairing.HALF_SPLIT, 16, "w[i + 3], cosine.w", "w[i + 3], cosine.z");
        assertWrong(Pairing.INTERLEAVED, 16, "cosine.z, sine.w * sign", "cosine.z, sine.z * sign");
        assertWrong(Pairing.HALF_SPLIT, 18, "sines[j] * sign", "sines[i] * sign");
    }
}
