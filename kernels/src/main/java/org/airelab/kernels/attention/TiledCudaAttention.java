package org.airelab.kernels.attention;

import java.lang.foreign.MemorySegment;
import org.airelab.kernels.DType;
import org.airelab.kernels.cpu.Parallel;
import org.airelab.kernels.cuda.KernelSource;
import org.airelab.kernels.cuda.Launch;
import org.airelab.kernels.cuda.Launcher;

/**
 * A rung of fused kernels: one for the forward pass; for the backward pass one for the rows' deltas, one for the
 * gradients of queries and one for those of keys and values. A block holds a tile of positions of a head and its source
 * is compiled for the head's size.
 */
abstract class TiledCudaAttention implements Attention {
    /** Largest head whose sums fit a block's registers. */
    static final int MOST_HEAD_SIZE = 256;
    private static final int DELTA_THREADS = 256;
    private static final int WARP = 32;

    private final Launcher launcher;
    private final DType dtype;
    private final String name;

    TiledCudaAttention(Launcher launcher, DType dtype, String name) {
        this.launcher = launcher;
        this.dtype = dtype;
        this.name = name;
    }

    /**
     * How a kernel is launched.
     *
     * @param source      with its macros
     * @param rows        positions that a block holds
     * @param threads     threads of a block
     * @param sharedBytes dynamic shared memory of a block
     * @param parts       blocks that share a tile
     */
    record Tiling(KernelSource source, int rows, int threads, long sharedBytes, int parts) {}

    abstract Tiling forward(int headSize);

    abstract Tiling dQueries(int headSize);

    abstract Tiling dKeys(int headSize);

    /** Refuses head sizes that the rung does not take. */
    abstract void checkHeadSize(int headSize);

    @Override
    public final String name() {
        return name;
    }

    /** A source of the rung for its element type and a head size. */
    final KernelSource source(String file, int headSize) {
        return CudaAttentions.source(file, dtype).with("HEAD_SIZE", headSize);
    }

    @Override
    public final void forward(AttentionShape shape, MemorySegment qkv, MemorySegment out, MemorySegment lse) {
        Attention.check(shape, dtype, qkv, out, lse);
        checkHeadSize(shape.headSize());
        if (shape.batch() > 0) {
            launch(forward(shape.headSize()), "forward", shape, shape.heads(), qkv, out, lse);
        }
    }

    @Override
    public final void backward(AttentionShape shape, MemorySegment dOut, MemorySegment qkv, MemorySegment out,
            MemorySegment lse, MemorySegment dQkv) {
        Attention.check(shape, dtype, dOut, qkv, out, lse, dQkv);
        checkHeadSize(shape.headSize());
        if (shape.batch() == 0) {
            return;
        }
        var deltas = launcher.temporary(Float.BYTES * shape.lseSize());
        var queries = dQueries(shape.headSize());
        var blocks = Parallel.pieces(WARP * shape.lseSize(), DELTA_THREADS);
        launcher.launch(Launch.of(queries.source(), entry("deltas"), blocks, DELTA_THREADS), dOut, out, deltas,
                shape.batch(), shape.time(), shape.heads(), shape.kvHeads());
        launch(queries, "d_queries", shape, shape.heads(), dOut, qkv, lse, deltas, dQkv);
        launch(dKeys(shape.headSize()), "d_keys", shape, shape.kvHeads(), dOut, qkv, lse, deltas, dQkv);
    }

    private void launch(Tiling tiling, String step, AttentionShape shape, int heads, MemorySegment... tensors) {
        var tiles = Parallel.pieces(shape.time(), tiling.rows());
        var blocks = Math.toIntExact((long) shape.batch() * heads * tiles * tiling.parts());
        var arguments = new Object[tensors.length + 5];
        System.arraycopy(tensors, 0, arguments, 0, tensors.length);
        arguments[tensors.length] = shape.time();
        arguments[tensors.length + 1] = shape.heads();
        arguments[tensors.length + 2] = shape.kvHeads();
        arguments[tensors.length + 3] = shape.causal() ? 1 : 0;
        arguments[tensors.length + 4] = (float) shape.scale();
        launcher.launch(Launch.of(tiling.source(), entry(step), blocks, tiling.threads())
                .withShared(Math.toIntExact(tiling.sharedBytes())), arguments);
    }

    private String entry(String step) {
        return "attention_" + name + "_" + step;
    }
}
