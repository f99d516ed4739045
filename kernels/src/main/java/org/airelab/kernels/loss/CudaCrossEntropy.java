package org.airelab.kernels.loss;

import java.lang.foreign.MemorySegment;
import org.airelab.kernels.DType;
import org.airelab.kernels.cuda.HeldRows;
import org.airelab.kernels.cuda.KernelSource;
import org.airelab.kernels.cuda.Launch;
import org.airelab.kernels.cuda.Launcher;
import org.airelab.kernels.cuda.RowSharing;

/** {@link CrossEntropy} on CUDA. */
record CudaCrossEntropy(RowSharing sharing, Launcher launcher, DType dtype) implements CrossEntropy {
    private static final String SOURCE = "loss/cross-entropy-";
    private static final int MOST_THREADS = 512;
    /** 16-byte chunks of a thread in registers and in shared memory: a multiprocessor has room for two such blocks. */
    private static final int MOST_HELD = 8;
    private static final int MOST_KEPT = 12;
    /** In registers where shared memory holds the rest: with more the compiler spills. */
    private static final int HELD_BESIDE_KEPT = 6;
    private static final int WARP = 32;
    private static final int CHUNK_BYTES = 16;

    @Override
    public String name() {
        return sharing.toString();
    }

    @Override
    public void forward(MemorySegment logits, MemorySegment targets, MemorySegment losses, int rows, int vocabulary,
            long ignoreIndex) {
        CrossEntropy.checkSizes(logits, targets, losses, rows, vocabulary, dtype);
        if (rows > 0) {
            launcher.launch(launch("cross_entropy_forward", rows, vocabulary),
                    logits, targets, losses, rows, vocabulary, ignoreIndex);
        }
    }

    @Override
    public void forwardBackward(MemorySegment logits, MemorySegment targets, MemorySegment losses, int rows,
            int vocabulary, long ignoreIndex, float scale) {
        CrossEntropy.checkSizes(logits, targets, losses, rows, vocabulary, dtype);
        if (rows > 0) {
            launcher.launch(launch("cross_entropy_forward_backward", rows, vocabulary), logits, targets, losses, rows,
                    vocabulary, ignoreIndex, scale);
        }
    }

    private Launch launch(String entry, int rows, int vocabulary) {
        if (sharing != RowSharing.BLOCK) {
            return sharing.launch(SOURCE, entry, dtype, rows, vocabulary, MOST_THREADS);
        }
        var chunks = (vocabulary - 1) / (CHUNK_BYTES / dtype.bytes()) + 1;
        var threads = Math.min(MOST_THREADS, WARP * HeldRows.warps((chunks - 1) / (WARP * MOST_HELD) + 1));
        var each = (chunks - 1) / threads + 1;
        var held = each > MOST_HELD ? HELD_BESIDE_KEPT : heldAlone(threads, each);
        var kept = Math.clamp(each - held, 0, MOST_KEPT);
        var source = KernelSource.of(SOURCE + sharing + ".cu", dtype).with("BLOCK", threads).with("LANES", threads)
                .with("HELD", held).with("KEPT", kept);
        return Launch.of(source, entry, rows, threads).withShared(kept * threads * CHUNK_BYTES);
    }

    /** Few numbers of chunks, as each is compiled by itself. */
    private static int heldAlone(int threads, int each) {
        return threads > WARP ? MOST_HELD : Integer.highestOneBit(2 * each - 1);
    }
}
