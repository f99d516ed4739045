package org.airelab.kernels.loss;

import java.lang.foreign.MemorySegment;
import org.airelab.kernels.DType;
import org.airelab.kernels.cuda.Launcher;
import org.airelab.kernels.cuda.RowSharing;

/** {@link CrossEntropy} on CUDA. */
record CudaCrossEntropy(RowSharing sharing, Launcher launcher, DType dtype) implements CrossEntropy {
    private static final String SOURCE = "loss/cross-entropy-";
    private static final int MOST_THREADS = 512;

    @Override
    public String name() {
        return sharing.toString();
    }

    @Override
    public void forward(MemorySegment logits, MemorySegment targets, MemorySegment losses, int rows, int vocabulary,
            long ignoreIndex) {
        CrossEntropy.checkSizes(logits, targets, losses, rows, vocabulary, dtype);
        if (rows > 0) {
            launcher.launch(sharing.launch(SOURCE, "cross_entropy_forward", dtype, rows, vocabulary, MOST_THREADS),
                    logits, targets, losses, rows, vocabulary, ignoreIndex);
        }
    }

    @Override
    public void forwardBackward(MemorySegment logits, MemorySegment targets, MemorySegment losses, int rows,
            int vocabulary, long ignoreIndex, float scale) {
        CrossEntropy.checkSizes(logits, targets, losses, rows, vocabulary, dtype);
        if (rows > 0) {
            launcher.launch(sharing.launch(SOURCE, "cross_entropy_forward_backward", dtype, rows, vocabulary,
                    MOST_THREADS), logits, targets, losses, rows, vocabulary, ignoreIndex, scale);
        }
    }
}
