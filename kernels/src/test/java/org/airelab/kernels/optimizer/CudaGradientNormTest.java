package org.airelab.kernels.optimizer;

import static java.lang.foreign.ValueLayout.JAVA_DOUBLE_UNALIGNED;
import static org.airelab.kernels.Native.decode;
import static org.airelab.kernels.Native.encode;
import static org.airelab.kernels.Native.normal;
import static org.airelab.kernels.Native.zeros;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import org.airelab.kernels.DType;
import org.airelab.kernels.Native;
import org.airelab.kernels.cuda.CudaRung;
import org.airelab.kernels.shim.HostLauncher;
import org.airelab.kernels.shim.Mutants;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The CUDA ladder of {@link GradientNorm}, executed on the CPU. */
class CudaGradientNormTest {
    private static double reference(MemorySegment values) {
        var sum = Native.zeros(2);
        GradientNorm.FAMILY.reference().sumOfSquares(values, values.byteSize() / 4, sum);
        return sum.get(JAVA_DOUBLE_UNALIGNED, 0);
    }

    private static double run(HostLauncher host, CudaRung<GradientNorm> rung, DType dtype, MemorySegment values,
            long shift) {
        var sum = host.allocate(Double.BYTES);
        rung.on(host, dtype).sumOfSquares(host.copy(encode(values, dtype), dtype.bytes() * shift),
                values.byteSize() / 4, sum);
        return sum.get(JAVA_DOUBLE_UNALIGNED, 0);
    }

    private static void check(HostLauncher host, CudaRung<GradientNorm> rung, DType dtype, int count, long shift) {
        var values = decode(encode(normal(count, 1, 3), dtype), dtype);
        var expected = reference(values);
        assertEquals(expected, run(host, rung, dtype, values, shift), 1e-13 * expected,
                rung.name() + " " + dtype + " " + count);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 3, 4, 7, 9, 1030, 16_384, 16_385, 50_001})
    void everyRungAgreesWithTheReference(int count) {
        try (var host = new HostLauncher(count)) {
            for (var rung : GradientNorm.FAMILY.cudaRungs()) {
                for (var dtype : DType.values()) {
                    check(host, rung, dtype, count, 0);
                    check(host, rung, dtype, count, 1);
                }
            }
        }
    }

    /** More pieces than the last block has threads. */
    @Test
    void manyPieces() {
        try (var host = new HostLauncher(1)) {
            check(host, GradientNorm.FAMILY.cudaRungs().getLast(), DType.BF16, 260 * 16_384 + 5, 0);
        }
    }

    @ParameterizedTest
    @EnumSource
    void neitherSchedulesNorAddressesNorTheDeviceMatter(DType dtype) {
        var values = normal(40_001, 1, 1);
        for (var rung : GradientNorm.FAMILY.cudaRungs()) {
            var first = Double.NaN;
            for (var seed = 0; seed < 4; seed++) {
                try (var host = new HostLauncher(seed)) {
                    var sum = run(host, rung, dtype, values, seed);
                    first = seed == 0 ? sum : first;
                    assertEquals(first, sum, rung.name());
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void finiteExactlyIfAllValuesAre(DType dtype) {
        for (var rung : GradientNorm.FAMILY.cudaRungs()) {
            try (var host = new HostLauncher(1)) {
                for (var at : new int[] {0, 20_000, 33_000}) {
                    var values = normal(33_001, 1, 1);
                    Native.set(values, at, dtype == DType.FP16 ? 65_504 : 3e38f);
                    assertTrue(Double.isFinite(run(host, rung, dtype, values, 0)), "a square beyond float32 is none");
                    for (var bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY}) {
                        Native.set(values, at, bad);
                        assertFalse(Double.isFinite(run(host, rung, dtype, values, 0)), rung.name() + " " + bad);
                    }
                }
                var norm = rung.on(host, dtype);
                assertThrows(IllegalArgumentException.class, () -> norm.sumOfSquares(zeros(4), 5, zeros(2)));
                assertThrows(IllegalArgumentException.class, () -> norm.sumOfSquares(zeros(0), 0, zeros(1)));
            }
        }
    }

    private static void assertKilled(int rung, int count, String original, String replacement) {
        Mutants.assertKilled(original, replacement,
                host -> check(host, GradientNorm.FAMILY.cudaRungs().get(rung), DType.FP32, count, 0));
    }

    @Test
    void aBugInAKernelIsFound() {
        assertKilled(0, 40_001, "min(count, (piece + 1) * PIECE)", "(piece + 1) * PIECE");
        assertKilled(0, 40_001, "i < pieces; i++", "i < pieces - 1; i++");
        assertKilled(0, 40_001, "if (piece >= pieces) return;", "");
        assertKilled(1, 40_001, "min(count, start + PIECE)", "min(count, start + PIECE + 1)");
        assertKilled(1, 40_001, "at += BLOCK * CHUNK", "at += BLOCK");
        assertKilled(1, 40_001, "blockIdx.x * PIECE", "blockIdx.x * (PIECE - 1)");
        assertKilled(1, 40_001, "if (threadIdx.x == 0) sums[blockIdx.x] = sum;", "sums[blockIdx.x] = sum;");
        assertKilled(1, 300 * 16_384, "i += BLOCK", "i += BLOCK + 1");
        assertKilled(1, 40_001, "    __syncthreads();\n    return warp_sum(", "    return warp_sum(");
        var rest = "scratch[threadIdx.x / 32] = x;\n    __syncthreads();\n    return warp_sum";
        assertKilled(1, 40_001, "if (threadIdx.x % 32 == 0) " + rest, rest);
        assertKilled(1, 40_001, "threadIdx.x % 32 < BLOCK / 32 ? scratch[threadIdx.x % 32] : (T) 0",
                "scratch[threadIdx.x % 32]");
    }
}
