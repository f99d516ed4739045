package org.airelab.kernels.optimizer;

import java.lang.foreign.MemorySegment;
import org.airelab.kernels.DType;
import org.airelab.kernels.cuda.ElementSharing;
import org.airelab.kernels.cuda.Launch;
import org.airelab.kernels.cuda.Launcher;

/** {@link GradientNorm} on CUDA: the sums of pieces of one size, then the sum of these. */
record CudaGradientNorm(ElementSharing sharing, Launcher launcher, DType dtype) implements GradientNorm {
    /** Elements of a piece: enough for what its threads add up to outweigh how they meet, few enough to balance. */
    private static final int PIECE = 16384;
    private static final int THREADS = 256;

    @Override
    public String name() {
        return sharing.toString();
    }

    @Override
    public void sumOfSquares(MemorySegment values, long count, MemorySegment sum) {
        GradientNorm.check(values, count, sum, dtype);
        var source = sharing.source("optimizer/gradient-norm-", dtype).with("BLOCK", THREADS).with("PIECE", PIECE);
        var pieces = (count + PIECE - 1) / PIECE;
        var sums = launcher.temporary(Double.BYTES * pieces);
        if (pieces > 0) {
            var blocks = sharing == ElementSharing.NAIVE ? (pieces - 1) / THREADS + 1 : pieces;
            launcher.launch(Launch.of(source, "sums_of_squares", Math.toIntExact(blocks), THREADS), values, count, sums,
                    pieces);
        }
        launcher.launch(Launch.of(source, "total", 1, THREADS), sums, pieces, sum);
    }
}
