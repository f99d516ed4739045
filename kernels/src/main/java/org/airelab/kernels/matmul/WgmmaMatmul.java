package org.airelab.kernels.matmul;

import java.lang.foreign.MemorySegment;
import java.util.Map;
import org.airelab.kernels.DType;
import org.airelab.kernels.cuda.Launch;
import org.airelab.kernels.cuda.Launcher;
import org.airelab.kernels.cuda.Swizzle;
import org.airelab.kernels.cuda.TensorMap;

/**
 * {@link Matmul} by Hopper's wgmma and Tensor Memory Accelerator, at most a block for each multiprocessor. Tensor maps
 * ask for matrices at addresses and with rows that are multiples of 16 bytes: any other A or B, and any device but of
 * compute capability 9.0, is left to the rung mma.
 */
final class WgmmaMatmul implements Matmul {
    /** The only compute capability that has wgmma. */
    static final int HOPPER = 90;
    private static final int BARRIERS = 2 * 4 * Long.BYTES;
    /** Rows and columns of what one copy brings: PANEL of the source is 64 x 64. */
    private static final int PANEL = 64;
    private static final int GRANULE = 16;
    /** BM x BN, a producer's and two consumers' warp groups, and what DYNAMIC_SHARED of the source is divided into. */
    private static final Tile TILE = tile(128, 256);

    private final Launcher launcher;
    private final DType dtype;
    private final Matmul mma;

    /** @param mma takes what this rung cannot */
    WgmmaMatmul(Launcher launcher, DType dtype, Matmul mma) {
        this.launcher = launcher;
        this.dtype = dtype;
        this.mma = mma;
    }

    private static Tile tile(int m, int n) {
        var stages = 4;
        var depth = 64;
        var consumingWarps = 8;
        var slab = 16 * 40 * Float.BYTES;
        var ring = stages * (m + n) * depth * Short.BYTES;
        return new Tile(m, n, 3 * 128, ring + consumingWarps * slab + BARRIERS, Map.of());
    }

    @Override
    public String name() {
        return "wgmma";
    }

    @Override
    public boolean available() {
        return launcher.architecture() == HOPPER;
    }

    @Override
    public void multiply(MatmulShape shape, MemorySegment a, MemorySegment b, MemorySegment bias, MemorySegment c) {
        var widthA = shape.transposeA() ? shape.m() : shape.k();
        var widthB = shape.transposeB() ? shape.k() : shape.n();
        if (!available() || !mappable(a, widthA) || !mappable(b, widthB)) {
            mma.multiply(shape, a, b, bias, c);
            return;
        }
        Matmul.check(shape, a, b, bias, c, dtype);
        var grid = Math.min(TILE.count(shape), launcher.multiprocessors());
        var launch = Launch.of(TILE.define(CudaMatmul.source(name(), shape, dtype)), CudaMatmul.entry(name()), grid,
                TILE.threads()).withShared(TILE.sharedBytes());
        launcher.launch(launch, map(a, widthA), map(b, widthB), bias, c, shape.m(), shape.n(), shape.k(), shape.alpha(),
                shape.beta());
    }

    private boolean mappable(MemorySegment matrix, int width) {
        return matrix.address() % GRANULE == 0 && width * dtype.bytes() % GRANULE == 0;
    }

    private TensorMap map(MemorySegment matrix, int width) {
        var rowBytes = (long) width * dtype.bytes();
        return TensorMap.tiled(dtype, matrix, new long[] {width, matrix.byteSize() / rowBytes}, new long[] {rowBytes},
                new int[] {PANEL, PANEL}, Swizzle.BYTES_128);
    }
}
