package org.airelab.kernels.attention;

import org.airelab.kernels.DType;
import org.airelab.kernels.cuda.Launcher;

/** {@code attention/mma.cu} and {@code attention/mma-backward.cu}: tensor cores, head sizes that are multiples of 8. */
final class MmaCudaAttention extends TiledCudaAttention {
    private static final int HELD = 64;
    private static final int THREADS = 128;
    private static final int HALF_BYTES = 2;
    /** Head size to which both gradients, of keys and values, fit a block's registers. */
    private static final int UNSPLIT = 128;

    MmaCudaAttention(Launcher launcher, DType dtype) {
        super(launcher, dtype, "mma");
    }

    @Override
    public boolean takes(int headSize) {
        return headSize <= MOST_HEAD_SIZE && headSize % 8 == 0;
    }

    @Override
    void checkHeadSize(int headSize) {
        if (!takes(headSize)) {
            throw new IllegalArgumentException("expected a head size of 8, 16, 24 ... " + MOST_HEAD_SIZE
                    + " for mma attention, found " + headSize);
        }
    }

    @Override
    Tiling forward(int headSize) {
        var stream = headSize <= UNSPLIT ? 64 : 32;
        return tiling("mma.cu", headSize, stream, HELD + 2 * stream, 1);
    }

    @Override
    Tiling dQueries(int headSize) {
        var stream = backwardStream(headSize);
        return tiling("mma-backward.cu", headSize, stream, 2 * HELD + 4 * stream, 1);
    }

    @Override
    Tiling dKeys(int headSize) {
        var stream = backwardStream(headSize);
        return tiling("mma-backward.cu", headSize, stream, 2 * HELD + 4 * stream, headSize <= UNSPLIT ? 1 : 2);
    }

    private static int backwardStream(int headSize) {
        return headSize <= UNSPLIT ? 32 : 16;
    }

    private Tiling tiling(String file, int headSize, int stream, int rows, int parts) {
        var stride = (headSize + 15) / 16 * 16 + 8;
        return new Tiling(source(file, headSize).with("STREAM", stream), HELD, THREADS,
                (long) HALF_BYTES * rows * stride, parts);
    }
}
