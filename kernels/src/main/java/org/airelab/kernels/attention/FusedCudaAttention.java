package org.airelab.kernels.attention;

import org.airelab.kernels.DType;
import org.airelab.kernels.cuda.Launcher;

/** {@code attention/fused.cu} and {@code attention/fused-backward.cu}: float32 arithmetic, any head size to 256. */
final class FusedCudaAttention extends TiledCudaAttention {
    private static final int SIDE = 16;
    private static final int THREADS = SIDE * SIDE;

    FusedCudaAttention(Launcher launcher, DType dtype) {
        super(launcher, dtype, "fused");
    }

    @Override
    public boolean takes(int headSize) {
        return headSize <= MOST_HEAD_SIZE;
    }

    @Override
    void checkHeadSize(int headSize) {
        if (!takes(headSize)) {
            throw new IllegalArgumentException(
                    "expected a head size of at most " + MOST_HEAD_SIZE + " for fused attention, found " + headSize);
        }
    }

    /** Positions of a tile: the larger the head, the fewer, so that the backward pass's four tiles fit 99 KiB. */
    private static int tile(int headSize) {
        if (headSize <= 64) {
            return 64;
        }
        return headSize <= 128 ? 32 : 16;
    }

    @Override
    Tiling forward(int headSize) {
        return tiling("fused.cu", headSize, 2, 1);
    }

    @Override
    Tiling dQueries(int headSize) {
        return tiling("fused-backward.cu", headSize, 4, 1);
    }

    @Override
    Tiling dKeys(int headSize) {
        return tiling("fused-backward.cu", headSize, 4, 2);
    }

    private Tiling tiling(String file, int headSize, int tiles, int scoreTiles) {
        var tile = tile(headSize);
        var stride = (headSize + SIDE - 1) / SIDE * SIDE + 1;
        var floats = tiles * tile * stride + scoreTiles * tile * (tile + 1);
        return new Tiling(source(file, headSize).with("TILE", tile), tile, THREADS, (long) Float.BYTES * floats, 1);
    }
}
