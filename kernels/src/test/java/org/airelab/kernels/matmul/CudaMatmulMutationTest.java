package org.airelab.kernels.matmul;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.airelab.kernels.DType;
import org.airelab.kernels.cuda.CudaRung;
import org.airelab.kernels.matmul.MatmulShape.Epilogue;
import org.airelab.kernels.shim.HostLauncher;
import org.airelab.kernels.shim.KernelFault;
import org.junit.jupiter.api.Test;

/** The checks of {@link CudaMatmulTest} see what they are meant to see: bugs planted in the sources, each caught. */
class CudaMatmulMutationTest {
    private static final int[][] SIZES = {{65, 33, 70}, {40, 72, 131}, {33, 40, 96}};
    /** Of the rung wgmma: more tiles than the shim has multiprocessors, depths past the ring of stages. */
    private static final int[][] HOPPER = {{136, 520, 328}, {392, 264, 72}};
    /** One tile of C and many steps along k: sliced. */
    private static final int[][] SLICED = {{24, 16, 2000}};

    /** Whether the mutant faults, or is wrong by more than a rung may be, at one of the sizes. */
    private static boolean killed(String name, DType dtype, String original, String replacement) {
        return killed(name, dtype, original, replacement, name.equals("wgmma") ? HOPPER : SIZES);
    }

    private static boolean killed(String name, DType dtype, String original, String replacement, int[][] sizes) {
        return killed(rung(name), dtype, original, replacement, sizes);
    }

    /** Hopper's with its largest tile, which has two consumers and most registers. */
    private static CudaRung<Matmul> rung(String name) {
        return name.equals("wgmma") ? MatmulProblem.wgmma(WgmmaSchedule.TILES.getFirst())
                : CudaMatmuls.rungs().stream().filter(r -> r.name().equals(name)).findFirst().orElseThrow();
    }

    private static boolean killed(CudaRung<Matmul> rung, DType dtype, String original, String replacement,
            int[][] sizes) {
        for (var size : sizes) {
            var shape = new MatmulShape(size[0], size[1], size[2], false, false, 0.5f, 2, true, Epilogue.SILU);
            if (killed(rung, MatmulProblem.of(shape, dtype), original, replacement)) {
                return true;
            }
        }
        return false;
    }

    private static boolean killed(CudaRung<Matmul> rung, MatmulProblem problem, String original, String replacement) {
        var expected = problem.float64();
        try (var host = new HostLauncher(7).withMutation(original, replacement)) {
            return !(MatmulProblem.error(expected, problem.run(rung, host)) <= problem.limit(expected));
        } catch (KernelFault fault) {
            return true;
        }
    }

    private static void kills(String rung, DType dtype, String original, String replacement) {
        assertTrue(killed(rung, dtype, original, replacement), rung + " survives: " + original + " -> " + replacement);
    }

    @Test
    void unchangedSourcesPass() {
        var same = "return EPILOGUE(x);";
        for (var rung : CudaMatmuls.rungs()) {
            for (var dtype : rung.dtypes()) {
                if (rung.portable()) {
                    assertTrue(!killed(rung.name(), dtype, same, same), rung.name() + " in " + dtype);
                }
            }
        }
    }

    @Test
    void barriers() {
        kills("shared", DType.FP32, "__syncthreads();\n        HOT_LOOP", "HOT_LOOP");
        kills("shared", DType.FP32, "__syncthreads();\n    }", "}");
        kills("tiled-2d", DType.FP32, "__syncthreads();\n    }", "}");
        kills("vectorized", DType.FP32, "__syncthreads();\n        HOT_LOOP", "HOT_LOOP");
        kills("warptiled", DType.FP32, "__syncthreads();\n        accumulate", "accumulate");
        kills("pipelined", DType.FP32, "__syncthreads(); // this pair", "// this pair");
        kills("prefetched", DType.FP32, "__syncthreads(); // the first stage", "// the first stage");
        kills("prefetched", DType.FP32, "__syncthreads(); // the next stage", "// the next stage");
        kills("prefetched", DType.FP32, "__syncthreads(); // nobody reads", "// nobody reads");
        kills("prefetched", DType.FP32, "__syncthreads(); // this slice", "// this slice");
        kills("mma", DType.FP16, "__syncthreads(); // this stage", "// this stage");
        kills("mma", DType.FP16, "__syncthreads(); // from here on", "// from here on");
        kills("mma", DType.BF16, "__syncwarp(); // the slab", "// the slab");
        kills("mma", DType.BF16, "__syncwarp(); // and read", "// and read");
    }

    @Test
    void copiesUnderWay() {
        kills("pipelined", DType.FP32, "cp_async_wait<0>()", "cp_async_wait<1>()");
        kills("pipelined", DType.FP32, "int other = 1 - buffer", "int other = buffer");
        kills("prefetched", DType.FP32, "cp_async_wait<STAGES - 2>();\n                __syncthreads",
                "cp_async_wait<STAGES - 1>();\n                __syncthreads");
        kills("prefetched", DType.FP32, "int filled = STAGES - 1", "int filled = STAGES - 2");
        kills("mma", DType.FP16, "cp_async_wait<STAGES - 2>()", "cp_async_wait<STAGES - 1>()");
        kills("mma", DType.FP16, "stages + ahead % STAGES * STAGE", "stages + step % STAGES * STAGE");
    }

    @Test
    void hopper() {
        kills("wgmma", DType.BF16, "mbarrier_wait(&full[ring.stage], ring.parity);", "");
        kills("wgmma", DType.BF16, "mbarrier_wait(&empty[ring.stage], ring.parity);", "");
        kills("wgmma", DType.BF16, "mbarrier_init_fence();\n    }", "}");
        kills("wgmma", DType.BF16, "CONSUMERS * 4);", "CONSUMERS);");
        kills("wgmma", DType.BF16, "wgmma_wait<1>();\n        if", "if");
        kills("wgmma", DType.BF16, "wgmma_wait<0>();\n    wgmma_hold", "wgmma_hold");
        kills("wgmma", DType.BF16, "wgmma_fence();\n        HOT_LOOP", "HOT_LOOP");
        kills("wgmma", DType.BF16, "if (step > 0 && arrives)", "if (step > 1 && arrives)");
        kills("wgmma", DType.BF16, "&empty[last]);\n        last", "&empty[ring.stage]);\n        last");
        kills("wgmma", DType.BF16, "K_CONTIGUOUS ? 16 : PANEL_BYTES", "16");
        kills("wgmma", DType.BF16, "K_CONTIGUOUS ? p : p * 64", "p");
        kills("wgmma", DType.BF16, "consumer * (M / 64) * PANEL;", "0;");
        kills("wgmma", DType.BF16, "step + q != 0", "step != 0");
        kills("wgmma", DType.BF16, "CONSUMER_REGISTERS = 232", "CONSUMER_REGISTERS = 240");
    }

    @Test
    void hoppersStores() {
        kills("wgmma", DType.BF16, "if (lane == 0) tma_store_wait();", "");
        kills("wgmma", DType.BF16, "if (C_MAPPED && threadIdx.x % 32 == 0) tma_store_wait();", "");
        kills("wgmma", DType.BF16, "async_proxy_fence();\n", "");
        kills("wgmma", DType.BF16, "__syncwarp(); // the copies", "// the copies");
        kills("wgmma", DType.BF16, "__syncwarp(); // the strips", "// the strips");
        kills("wgmma", DType.BF16, "j + (half + strip) * 64", "j + half * 64");
        kills("wgmma", DType.BF16, "beta != 0.0f && i < m && j < n", "beta != 0.0f");
    }

    @Test
    void hoppersSlices() {
        assertTrue(!killed("wgmma", DType.BF16, "Adds the slices", "Adds the slices", SLICED));
        for (var mutation : List.of("slice < slice_count; slice++) {->slice + 1 < slice_count; slice++) {",
                "first + slice * work.rest()->first", "slice, steps * part / parts->slice, steps * part / parts + 1",
                "steps * (part + 1) / parts->steps * part / parts", "* (BN / 8) + tile) * 128->* (BN / 8)) * 128",
                "unit.j + tile * 8 + thread->unit.j + thread")) {
            var parts = mutation.split("->");
            assertTrue(killed("wgmma", DType.BF16, parts[0], parts[1], SLICED), mutation);
        }
    }

    @Test
    void tails() {
        kills("naive", DType.FP32, "p < k; p++", "p < k - 1; p++");
        kills("coalesced", DType.FP32, "if (i >= m || j >= n) return;\n    float",
                "if (i > m || j >= n) return;\n    float");
        kills("shared", DType.FP32, "&& first_p + p < k;\n        tile", "&& first_p + p <= k;\n        tile");
        kills("tiled-1d", DType.FP32, "first_row + i < rows && first_p + p < k;\n        tile",
                "first_p + p < k;\n        tile");
        kills("tiled-2d", DType.FP32, "j >= n) return;\n    ELEMENT *to = c + (size_t) i * n + j;\n    *to",
                "j > n) return;\n    ELEMENT *to = c + (size_t) i * n + j;\n    *to");
        kills("vectorized", DType.FP32, "if (q < inside) chunk[q]", "if (q <= inside) chunk[q]");
        kills("warptiled", DType.FP32, "first_line + y < lines ? width - column : 0;\n        float",
                "first_line + y <= lines ? width - column : 0;\n        float");
        kills("pipelined", DType.FP32, "first_line + y < lines && column < width",
                "first_line + y < lines && column <= width");
        kills("prefetched", DType.FP32, "line + z * STEP < lines;", "line + z * STEP <= lines;");
        kills("prefetched", DType.FP32, "on_line && column + q < width) held", "on_line && column + q <= width) held");
        kills("mma", DType.BF16, "2 * q + 1 < inside", "2 * q + 1 <= inside");
        kills("mma", DType.BF16, "min(COUNT, n - j)", "COUNT");
        kills("mma", DType.FP16, "(k + BK - 1) / BK", "k / BK");
    }

    @Test
    void strides() {
        kills("naive", DType.FP32, "(size_t) i * k + p : ", "(size_t) i * rows + p : ");
        kills("shared", DType.FP32, "a_tile[p * PITCH + i]", "a_tile[p * (PITCH - 1) + i]");
        kills("vectorized", DType.FP32, "(size_t) (first_line + y) * width + column;\n        int",
                "(size_t) (first_line + y) * (width - 1) + column;\n        int");
        kills("prefetched", DType.FP32, "(i ^ twist<true>(p))", "i");
        kills("prefetched", DType.FP32, "^ twist<TRANSPOSED>(slice * BK) ^", "^");
        kills("prefetched", DType.FP32, "other < SLICES", "other < SLICES - 1");
        kills("warptiled", DType.FP32, "y / 4 * STEP_M", "y / 4 * STEP_N");
        kills("mma", DType.FP16, "slab + y * SLAB_PITCH", "slab + y * (SLAB_PITCH - 4)");
        kills("mma", DType.FP16, "warp_i + 16 * y, p, low, high", "warp_i + 16 * y, p, high, low");
        kills("mma", DType.BF16, "row = first + within % height", "row = first + within / height");
    }

    @Test
    void whatIsAddedAtTheEnd() {
        kills("mma", DType.FP16, "x += beta * to_float(*c)", "x += to_float(*c)");
        kills("warptiled", DType.FP32, "bias + j + q : nullptr", "bias + j : nullptr");
        kills("naive", DType.BF16, "x += to_float(*bias)", "x -= to_float(*bias)");
    }
}
