package org.airelab.kernels.attention;

import java.lang.foreign.MemorySegment;
import org.airelab.kernels.DType;
import org.airelab.kernels.cpu.Parallel;
import org.airelab.kernels.cuda.KernelSource;
import org.airelab.kernels.cuda.Launch;
import org.airelab.kernels.cuda.Launcher;

/** {@code attention/naive.cu}: a kernel for each step, the score matrices in temporary memory. */
final class NaiveCudaAttention implements Attention {
    private static final int THREADS = 256;
    private static final int WARP = 32;

    private final Launcher launcher;
    private final DType dtype;
    private final KernelSource source;

    NaiveCudaAttention(Launcher launcher, DType dtype) {
        this.launcher = launcher;
        this.dtype = dtype;
        this.source = CudaAttentions.source("naive.cu", dtype);
    }

    @Override
    public String name() {
        return "naive";
    }

    @Override
    public void forward(AttentionShape shape, MemorySegment qkv, MemorySegment out, MemorySegment lse) {
        Attention.check(shape, dtype, qkv, out, lse);
        if (shape.batch() == 0) {
            return;
        }
        var scores = launcher.temporary(Float.BYTES * scores(shape));
        launch("scores", scores(shape), qkv, scores, shape.batch(), shape.time(), shape.heads(), shape.kvHeads(),
                shape.headSize(), causal(shape), (float) shape.scale());
        launch("softmax", WARP * shape.lseSize(), scores, lse, shape.lseSize(), shape.time());
        launch("values", shape.outSize(), qkv, scores, out, shape.batch(), shape.time(), shape.heads(), shape.kvHeads(),
                shape.headSize(), causal(shape));
    }

    @Override
    public void backward(AttentionShape shape, MemorySegment dOut, MemorySegment qkv, MemorySegment out,
            MemorySegment lse, MemorySegment dQkv) {
        Attention.check(shape, dtype, dOut, qkv, out, lse, dQkv);
        if (shape.batch() == 0) {
            return;
        }
        var matrix = Float.BYTES * scores(shape);
        var probabilities = launcher.temporary(2 * matrix + Float.BYTES * shape.lseSize());
        var dScores = probabilities.asSlice(matrix, matrix);
        var deltas = probabilities.asSlice(2 * matrix);
        launch("deltas", WARP * shape.lseSize(), dOut, out, deltas, shape.batch(), shape.time(), shape.heads(),
                shape.kvHeads(), shape.headSize());
        launch("d_scores", scores(shape), dOut, qkv, lse, deltas, probabilities, dScores, shape.batch(), shape.time(),
                shape.heads(), shape.kvHeads(), shape.headSize(), causal(shape), (float) shape.scale());
        launch("d_qkv", shape.packedSize(), dOut, qkv, probabilities, dScores, dQkv, shape.batch(), shape.time(),
                shape.heads(), shape.kvHeads(), shape.headSize(), causal(shape));
    }

    private void launch(String step, long threads, Object... arguments) {
        launcher.launch(Launch.of(source, "attention_naive_" + step, Parallel.pieces(threads, THREADS), THREADS),
                arguments);
    }

    private static long scores(AttentionShape shape) {
        return Math.multiplyExact(shape.lseSize(), (long) shape.time());
    }

    private static int causal(AttentionShape shape) {
        return shape.causal() ? 1 : 0;
    }
}
