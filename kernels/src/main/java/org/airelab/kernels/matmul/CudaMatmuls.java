package org.airelab.kernels.matmul;

import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.airelab.kernels.DType;
import org.airelab.kernels.cuda.CudaRung;
import org.airelab.kernels.cuda.Launcher;

/**
 * The CUDA ladder of {@link Matmul}. Its float32 half takes the steps of Boehm, "How to Optimize a CUDA Matmul Kernel
 * for cuBLAS-like Performance: a Worklog", 2022; float32 sums are of float32 products, never of TF32's.
 */
final class CudaMatmuls {
    private static final Set<DType> FP32 = EnumSet.of(DType.FP32);
    private static final Set<DType> HALF = EnumSet.of(DType.FP16, DType.BF16);
    private static final List<Tile> REGISTER_TILES = List.of(Tile.of(128, 128, 64), Tile.of(64, 64, 64));
    private static final List<Tile> WIDE_TILES = List.of(Tile.sliced(128, 128, 1), Tile.sliced(64, 128, 4));
    private static final List<Tile> MMA_TILES = List.of(Tile.mma(128, 256, 64, 64, 3), Tile.mma(128, 128, 64, 64, 4),
            Tile.mma(64, 64, 32, 32, 4), Tile.mma(128, 32, 32, 32, 4), Tile.mma(16, 128, 16, 32, 4));

    private CudaMatmuls() {}

    static List<CudaRung<Matmul>> rungs() {
        return List.of(
                portable("naive", EnumSet.allOf(DType.class), List.of(Tile.of(32, 8, 1))),
                portable("coalesced", FP32, List.of(Tile.of(8, 32, 1))),
                portable("shared", FP32, List.of(Tile.of(32, 32, 1))),
                portable("tiled-1d", FP32, List.of(Tile.of(64, 64, 8))),
                portable("tiled-2d", FP32, REGISTER_TILES),
                portable("vectorized", FP32, REGISTER_TILES),
                portable("warptiled", FP32, REGISTER_TILES),
                specialized("pipelined", REGISTER_TILES),
                specialized("prefetched", WIDE_TILES),
                portable("mma", HALF, MMA_TILES),
                new CudaRung<>("wgmma", HALF, WgmmaMatmul.HOPPER, true, (launcher, dtype) ->
                        wgmma(launcher, dtype, WgmmaSchedule.TILES)));
    }

    /** The rung wgmma with the tiles given. */
    static Matmul wgmma(Launcher launcher, DType dtype, List<Tile> tiles) {
        return new WgmmaMatmul(launcher, dtype, tiles, new CudaMatmul("mma", launcher, dtype, MMA_TILES, false));
    }

    private static CudaRung<Matmul> portable(String name, Set<DType> dtypes, List<Tile> tiles) {
        return CudaRung.portable(name, dtypes,
                (launcher, dtype) -> new CudaMatmul(name, launcher, dtype, tiles, false));
    }

    private static CudaRung<Matmul> specialized(String name, List<Tile> tiles) {
        return CudaRung.portable(name, FP32, (launcher, dtype) -> new CudaMatmul(name, launcher, dtype, tiles, true));
    }
}
