package org.airelab.kernels.shim;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.Arena;
import java.util.function.IntUnaryOperator;
import org.airelab.kernels.DType;
import org.airelab.kernels.Native;
import org.airelab.kernels.cuda.KernelSource;
import org.airelab.kernels.cuda.Launch;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.api.Test;

/** The shim's tensor cores, conversions and shuffles against plain computations. */
class FragmentsTest {
    private static final int VALUES = 1 << Short.SIZE;

    private static KernelSource source(DType dtype) {
        return KernelSource.of("shim/fragments.cu").with("T", dtype == DType.FP16 ? "f16" : "bf16");
    }

    @ParameterizedTest
    @EnumSource(names = {"FP16", "BF16"})
    void tilesMultiplyAsMatrices(DType dtype) {
        var a = Native.encode(Native.normal(16 * 16, 1, 1), dtype);
        var b = Native.encode(Native.normal(16 * 8, 2, 1), dtype);
        for (var entry : new String[] {"product", "product_of_registers"}) {
            try (var host = new HostLauncher(3)) {
                var d = host.allocate(4 * 16 * 8);
                host.launch(Launch.of(source(dtype), entry, 1, 32), host.copy(a), host.copy(b), d);
                for (var row = 0; row < 16; row++) {
                    for (var column = 0; column < 8; column++) {
                        var sum = 1.0;
                        for (var k = 0; k < 16; k++) {
                            sum += (double) dtype.get(a, row * 16 + k) * dtype.get(b, k * 8 + column);
                        }
                        assertEquals(sum, Native.get(d, row * 8 + column), 1e-5, entry + " " + row + " " + column);
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"FP16", "BF16"})
    void everyHalfConvertsToItsFloat(DType dtype) {
        try (var host = new HostLauncher(1); var arena = Arena.ofConfined()) {
            var halves = arena.allocate(2 * VALUES, 2);
            for (var i = 0; i < VALUES; i++) {
                halves.setAtIndex(JAVA_SHORT, i, (short) i);
            }
            var floats = host.allocate(4 * VALUES);
            host.launch(Launch.of(source(dtype), "widen", VALUES / 256, 256), host.copy(halves), floats, VALUES);
            for (var i = 0; i < VALUES; i++) {
                assertEquals(dtype.get(halves, i), Native.get(floats, i));
            }
        }
    }

    /** Each half, what lies half-way between it and the next, and the floats beside these. */
    @ParameterizedTest
    @EnumSource(names = {"FP16", "BF16"})
    void floatsRoundToTheNearestHalf(DType dtype) {
        var count = 4 * VALUES;
        try (var host = new HostLauncher(1); var arena = Arena.ofConfined()) {
            var half = arena.allocate(4, 2);
            var floats = arena.allocate(4L * count, 4);
            for (var i = 0; i < VALUES; i++) {
                half.set(JAVA_SHORT, 0, (short) i);
                half.set(JAVA_SHORT, 2, (short) (i + 1));
                var middle = (float) ((dtype.get(half, 0) + (double) dtype.get(half, 1)) / 2);
                Native.set(floats, 4L * i, dtype.get(half, 0));
                Native.set(floats, 4L * i + 1, middle);
                Native.set(floats, 4L * i + 2, Math.nextUp(middle));
                Native.set(floats, 4L * i + 3, Math.nextDown(middle));
            }
            var halves = host.allocate(2L * count);
            var pairs = host.allocate(4L * count);
            host.launch(Launch.of(source(dtype), "narrow", count / 256, 256), host.copy(floats), halves, pairs, count);
            for (var i = 0; i < count; i++) {
                dtype.set(half, 0, Native.get(floats, i));
                var expected = Float.isNaN(Native.get(floats, i)) ? 0x7fff : half.get(JAVA_SHORT, 0) & 0xffff;
                var found = halves.getAtIndex(JAVA_SHORT, i) & 0xffff;
                var value = Native.get(floats, i);
                assertEquals(expected, found, () -> dtype + " of " + value);
                assertEquals(found, pairs.getAtIndex(JAVA_INT, i) & 0xffff);
                assertEquals(found, pairs.getAtIndex(JAVA_INT, count - 1 - i) >>> Short.SIZE);
            }
        }
    }

    @Test
    void lanesLookAtOthers() {
        IntUnaryOperator[] ways = {
            lane -> 100 * (lane ^ 5),
            lane -> 100 * (lane + 3 < 32 ? lane + 3 : lane),
            lane -> 100 * (lane >= 3 ? lane - 3 : lane),
            lane -> 700,
            lane -> 100 * (lane % 8 + 3 < 8 ? lane + 3 : lane),
            lane -> 100 * (lane / 4 * 4 + 3),
            lane -> 100 * (lane ^ 1),
            lane -> 0b01001001001001001001001001001001,
            lane -> 10,
            lane -> 496,
        };
        for (var seed = 0; seed < 5; seed++) {
            try (var host = new HostLauncher(seed)) {
                var out = host.allocate(4 * 32 * ways.length);
                host.launch(Launch.of(source(DType.FP16), "shuffles", 1, 32), out);
                for (var way = 0; way < ways.length; way++) {
                    for (var lane = 0; lane < 32; lane++) {
                        assertEquals(ways[way].applyAsInt(lane), out.getAtIndex(JAVA_INT, way * 32 + lane),
                                "way " + way + " lane " + lane);
                    }
                }
            }
        }
    }
}
