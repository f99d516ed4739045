package org.airelab.kernels.shim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.util.function.IntBinaryOperator;
import java.util.function.IntUnaryOperator;
import java.util.stream.Stream;
import org.airelab.kernels.DType;
import org.airelab.kernels.Native;
import org.airelab.kernels.cuda.KernelSource;
import org.airelab.kernels.cuda.Launch;
import org.airelab.kernels.cuda.Swizzle;
import org.airelab.kernels.cuda.TensorMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The emulation of sm_90a's wgmma and TMA against plain products: every width, layout and swizzle that kernels use. */
class WarpGroupTest {
    private static final int SIDE = 64;
    private static final int THREADS = 128;

    /** The macros of {@code wgmma.cu}. */
    private record Layout(int n, int line, boolean aAlongM, boolean bAlongN) {
        KernelSource source() {
            return KernelSource.of("shim/wgmma.cu", DType.BF16).with("COLUMNS", n).with("LINE", line)
                    .with("A_MN", aAlongM).with("B_MN", bAlongN);
        }

        Launch launch() {
            return Launch.of(source(), "products", 1, THREADS).withShared(2 * SIDE * (SIDE + n) + Long.BYTES);
        }

        TensorMap map(MemorySegment matrix, int lines, int width) {
            return TensorMap.tiled(DType.BF16, matrix, new long[] {width, lines}, new long[] {2L * width},
                    new int[] {line, lines}, line == 32 ? Swizzle.BYTES_64 : Swizzle.BYTES_128);
        }

        MemorySegment run(HostLauncher host, MemorySegment a, MemorySegment b, boolean fromRegisters) {
            var left = host.copy(a);
            var right = host.copy(b);
            var d = host.allocate(4L * SIDE * n);
            host.launch(launch(), map(left, SIDE, SIDE), bAlongN ? map(right, SIDE, n) : map(right, n, SIDE), left, d,
                    fromRegisters ? 1 : 0);
            return d;
        }
    }

    static Stream<Layout> layouts() {
        return Stream.of(32, 64, 128, 192, 256).flatMap(n -> Stream.of(32, 64).flatMap(line -> Stream.of(false, true)
                .flatMap(a -> Stream.of(false, true).map(b -> new Layout(n, line, a, b)))))
                .filter(layout -> !layout.bAlongN || layout.n % layout.line == 0);
    }

    @ParameterizedTest
    @MethodSource("layouts")
    void tilesMultiplyAsMatrices(Layout layout) {
        // Small whole numbers, whose sums are exact in any order.
        var a = whole(SIDE * SIDE, i -> i * 7 % 13 - 6);
        var b = whole(SIDE * layout.n, i -> i * 11 % 17 - 8);
        IntBinaryOperator left = (i, k) -> (int) DType.BF16.get(a, layout.aAlongM ? k * SIDE + i : i * SIDE + k);
        IntBinaryOperator right = (k, j) -> (int) DType.BF16.get(b, layout.bAlongN ? k * layout.n + j : j * SIDE + k);
        for (var fromRegisters : new boolean[] {false, true}) {
            try (var host = new HostLauncher(1)) {
                var d = layout.run(host, a, b, fromRegisters);
                for (var i = 0; i < SIDE; i++) {
                    for (var j = 0; j < layout.n; j++) {
                        var sum = 0;
                        for (var k = 0; k < SIDE; k++) {
                            sum += left.applyAsInt(i, k) * right.applyAsInt(k, j);
                        }
                        assertEquals(sum, Native.get(d, i * layout.n + j), layout + " [" + i + ", " + j + "]");
                    }
                }
            }
        }
    }

    private static MemorySegment whole(int count, IntUnaryOperator value) {
        var floats = Native.zeros(count);
        for (var i = 0; i < count; i++) {
            Native.set(floats, i, value.applyAsInt(i));
        }
        return Native.encode(floats, DType.BF16);
    }

    private static void faults(String original, String replacement, String expected) {
        var layout = new Layout(64, 64, false, true);
        for (var seed = 0; seed < 5; seed++) {
            try (var host = new HostLauncher(seed).withMutation(original, replacement)) {
                var ones = whole(SIDE * SIDE, i -> 1);
                var message = assertThrows(KernelFault.class, () -> layout.run(host, ones, ones, true)).getMessage();
                assertTrue(message.contains(expected), message);
            }
        }
    }

    @Test
    void anOperandThatNobodyWaitedFor() {
        faults("    mbarrier_wait(full, 0);\n", "", "of dynamic shared memory + ");
    }

    @Test
    void accumulatorsThatNobodyWaitedFor() {
        faults("    wgmma_wait<0>();\n", "", "reads registers of a wgmma that has not been waited for");
    }

    @Test
    void productsOfNoGroup() {
        faults("    wgmma_commit();\n", "", "reads registers of a wgmma that has not been waited for");
    }

    @Test
    void registersWithoutAFence() {
        faults("    wgmma_fence();\n    for", "    for", "registers touched since its last wgmma.fence");
    }

    @Test
    void operandsOverwritten() {
        faults("    wgmma_wait<0>();\n", "    b_tile[threadIdx.x] = ELEMENT{0};\n    wgmma_wait<0>();\n",
                "wgmma or TMA may still read it");
    }

    @Test
    void operandsWrittenWithoutAFence() {
        faults("    mbarrier_wait(full, 0);\n",
                "    mbarrier_wait(full, 0);\n    b_tile[threadIdx.x] = ELEMENT{0};\n    __syncthreads();\n",
                "needs fence.proxy.async");
    }

    @Test
    void bytesThatNeverCome() {
        faults("2 * K * (M + COLUMNS)", "2 * K * (M + COLUMNS) + 16", "are at an mbarrier");
    }

    @Test
    void aBarrierOfOthers() {
        faults("    __syncthreads();\n", "    barrier_sync(1, 160);\n", "expected whole warps of the block's threads");
        var block = "    __syncthreads();\n";
        faults(block, block + "    for (int i = 0; i < 2; i++) barrier_arrive(1, 128);\n", "has come already");
        faults(block, block + "    if (threadIdx.x < 32) barrier_arrive(2, 64);\n",
                "ends with 32 of 64 threads at named barrier 2");
    }
}
