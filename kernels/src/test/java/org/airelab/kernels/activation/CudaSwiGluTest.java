package org.airelab.kernels.activation;

import static org.airelab.kernels.Native.assertAsGoodAsPlain;
import static org.airelab.kernels.Native.decode;
import static org.airelab.kernels.Native.encode;
import static org.airelab.kernels.Native.normal;
import static org.airelab.kernels.Native.zeros;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.lang.foreign.MemorySegment;
import org.airelab.kernels.DType;
import org.airelab.kernels.Native;
import org.airelab.kernels.cuda.CudaRung;
import org.airelab.kernels.cuda.ElementSharing;
import org.airelab.kernels.cuda.RowPlaces;
import org.airelab.kernels.shim.HostLauncher;
import org.airelab.kernels.shim.Mutants;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The CUDA ladder of {@link SwiGlu}, executed on the CPU. */
class CudaSwiGluTest {
    /** Results as floats. */
    private record Result(MemorySegment y, MemorySegment dGateUp) {}

    private static Result reference(SwiGlu swiGlu, MemorySegment gateUp, MemorySegment dy, int rows, int hidden) {
        var result = new Result(zeros((long) rows * hidden), zeros(2L * rows * hidden));
        swiGlu.forward(gateUp, result.y, rows, hidden);
        swiGlu.backward(dy, gateUp, result.dGateUp, rows, hidden);
        return result;
    }

    /** Runs a rung on memory that begins {@code shift} elements after multiples of 256 bytes. */
    private static Result run(HostLauncher host, CudaRung<SwiGlu> rung, DType dtype, MemorySegment gateUp,
            MemorySegment dy, int rows, int hidden, int shift) {
        var swiGlu = rung.on(host, dtype);
        var bytes = (long) dtype.bytes() * rows * hidden;
        var offset = (long) dtype.bytes() * shift;
        var in = host.copy(encode(gateUp, dtype), offset);
        var y = host.allocate(bytes, offset);
        var gradient = host.allocate(2 * bytes, offset);
        swiGlu.forward(in, y, rows, hidden);
        swiGlu.backward(host.copy(encode(dy, dtype), offset), in, gradient, rows, hidden);
        return new Result(decode(y, dtype), decode(gradient, dtype));
    }

    private static void check(HostLauncher host, CudaRung<SwiGlu> rung, DType dtype, int rows, int hidden, int shift) {
        var gateUp = decode(encode(normal(2L * rows * hidden, 1, 3), dtype), dtype);
        var dy = decode(encode(normal((long) rows * hidden, 2, 1), dtype), dtype);
        var expected = reference(SwiGlu.FAMILY.reference(), gateUp, dy, rows, hidden);
        var plain = reference(SwiGlu.FAMILY.rungs().getFirst(), gateUp, dy, rows, hidden);
        var actual = run(host, rung, dtype, gateUp, dy, rows, hidden, shift);
        var what = rung.name() + " " + dtype + " [" + rows + ", " + hidden + "]";
        assertAsGoodAsPlain(expected.y, plain.y, actual.y, dtype, what + " forward");
        assertAsGoodAsPlain(expected.dGateUp, plain.dGateUp, actual.dGateUp, dtype, what + " backward");
    }

    @ParameterizedTest
    @CsvSource({"1, 1", "3, 4", "5, 8", "7, 9", "2, 257", "1, 1024", "1100, 17", "3, 12000"})
    void everyRungAgreesWithTheReference(int rows, int hidden) {
        try (var host = new HostLauncher(hidden)) {
            for (var rung : SwiGlu.FAMILY.cudaRungs()) {
                for (var dtype : DType.values()) {
                    check(host, rung, dtype, rows, hidden, 0);
                    check(host, rung, dtype, Math.min(rows, 5), Math.min(hidden, 300), 1);
                }
            }
        }
    }

    @Test
    void extremeGatesAsTheReference() {
        var infinity = Float.POSITIVE_INFINITY;
        var gateUp = Native.of(500, -500, 0, Float.NaN, infinity, -infinity, 1, 3e38f, // the gates
                2, 2, 2, 2, 2, 2, Float.NaN, 0.5f);
        var ones = Native.of(1, 1, 1, 1, 1, 1, 1, 1);
        var expected = reference(SwiGlu.FAMILY.reference(), gateUp, ones, 1, 8);
        for (var rung : SwiGlu.FAMILY.cudaRungs()) {
            try (var host = new HostLauncher(1)) {
                var actual = run(host, rung, DType.FP32, gateUp, ones, 1, 8, 0);
                assertArrayEquals(Native.array(expected.y), Native.array(actual.y), 1e-30f, rung.name());
                assertArrayEquals(Native.array(expected.dGateUp), Native.array(actual.dGateUp), 3e-7f, rung.name());
            }
        }
    }

    @Test
    void worksInPlaceAndOnNothing() {
        var gateUp = normal(2 * 5 * 37, 1, 2);
        var dy = normal(5 * 37, 2, 1);
        for (var rung : SwiGlu.FAMILY.cudaRungs()) {
            try (var host = new HostLauncher(1)) {
                var expected = run(host, rung, DType.FP32, gateUp, dy, 5, 37, 0);
                var swiGlu = rung.on(host, DType.FP32);
                var inPlace = host.copy(gateUp);
                swiGlu.backward(host.copy(dy), inPlace, inPlace, 5, 37);
                assertArrayEquals(Native.array(expected.dGateUp), Native.array(inPlace));
                swiGlu.forward(zeros(0), zeros(0), 0, 4);
                swiGlu.backward(zeros(0), zeros(0), zeros(0), 0, 4);
                assertThrows(IllegalArgumentException.class, () -> swiGlu.forward(zeros(8), zeros(8), 1, 4));
            }
        }
    }

    /** As a launch has them whose places 32 bits do not count. */
    private static MemorySegment inGroups(HostLauncher host, MemorySegment gateUp, int rows, int hidden, int together) {
        var y = host.allocate(4L * rows * hidden);
        var places = new RowPlaces(rows, together, (hidden - 1) / 4 + 1);
        host.launch(places.launch(ElementSharing.VECTORIZED.source("activation/swiglu-", DType.FP32),
                "swiglu_forward"), host.copy(gateUp), y, rows, together, hidden);
        return y;
    }

    @Test
    void rowsMayComeInGroups() {
        var gateUp = normal(2 * 7 * 300, 1, 2);
        var expected = reference(SwiGlu.FAMILY.rungs().getFirst(), gateUp, zeros(7 * 300), 7, 300).y;
        for (var together : new int[] {1, 2, 5, 7}) {
            try (var host = new HostLauncher(together)) {
                assertArrayEquals(Native.array(expected), Native.array(inGroups(host, gateUp, 7, 300, together)),
                        1e-5f);
            }
        }
        Mutants.assertKilled("line < (unsigned) together && ", "", host -> inGroups(host, gateUp, 7, 300, 2));
        Mutants.assertKilled(" && blockIdx.y * together + line < (unsigned) rows", "",
                host -> inGroups(host, gateUp, 7, 300, 2));
    }

    private static void assertKilled(int rung, String original, String replacement) {
        Mutants.assertKilled(original, replacement,
                host -> check(host, SwiGlu.FAMILY.cudaRungs().get(rung), DType.FP32, 1100, 17, 0));
    }

    @Test
    void aBugInAKernelIsFound() {
        assertKilled(0, "i / hidden * 2 * hidden + i % hidden;\n    y", "i / hidden * hidden + i % hidden;\n    y");
        assertKilled(0, "d_gate_up[at + hidden] =", "d_gate_up[at] =");
        assertKilled(1, "2ll * chunk.row * hidden;\n    float g", "1ll * chunk.row * hidden;\n    float g");
        var loop = "at, hidden, 0.0f);\n    HOT_LOOP\n    for (int i = 0; i < CHUNK; i++) g";
        assertKilled(1, "load_chunk(u, gate + hidden, " + loop, "load_chunk(u, gate, " + loop);
        assertKilled(1, "(width - 1) / CHUNK + 1", "width / CHUNK");
        assertKilled(1, "i / (unsigned) places", "i / (unsigned) (places + 1)");
        assertKilled(1, "i - line * places", "i - line * (places - 1)");
        assertKilled(1, "store_chunk(d_gate + hidden, at, hidden, u)", "store_chunk(d_gate + hidden, at, hidden, g)");
    }
}
