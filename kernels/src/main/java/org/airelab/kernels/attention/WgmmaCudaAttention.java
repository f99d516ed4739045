package org.airelab.kernels.attention;

import java.lang.foreign.MemorySegment;
import org.airelab.kernels.DType;
import org.airelab.kernels.cpu.Parallel;
import org.airelab.kernels.cuda.Launch;
import org.airelab.kernels.cuda.Launcher;
import org.airelab.kernels.cuda.Swizzle;
import org.airelab.kernels.cuda.TensorMap;

/**
 * {@code attention/wgmma.cu}: the forward pass by Hopper's wgmma and Tensor Memory Accelerator, at head sizes that are
 * multiples of 8 to 256. The backward pass, and both on any device but of compute capability 9.0, are left to the rung
 * mma.
 */
final class WgmmaCudaAttention implements Attention {
    /** The only compute capability that has wgmma. */
    static final int HOPPER = 90;
    /** Queries of a block, and positions of a copy. */
    private static final int HELD = 128;
    private static final int BOX = 64;
    /** Positions of a copy of the output: a warp's. */
    private static final int OUT_BOX = 16;
    private static final int THREADS = 3 * 128;
    private static final int STAGES = 2;

    private final Launcher launcher;
    private final DType dtype;
    private final MmaCudaAttention mma;

    WgmmaCudaAttention(Launcher launcher, DType dtype) {
        this.launcher = launcher;
        this.dtype = dtype;
        this.mma = new MmaCudaAttention(launcher, dtype);
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
    public void forward(AttentionShape shape, MemorySegment qkv, MemorySegment out, MemorySegment lse) {
        if (!available()) {
            mma.forward(shape, qkv, out, lse);
            return;
        }
        Attention.check(shape, dtype, qkv, out, lse);
        mma.checkHeadSize(shape.headSize());
        if (shape.batch() == 0) {
            return;
        }
        var line = line(shape.headSize());
        var width = Math.ceilDiv(shape.headSize(), line) * line;
        var keys = width <= 128 ? 128 : 64;
        var source = CudaAttentions.source("wgmma.cu", dtype).with("HEAD_SIZE", shape.headSize()).with("LINE", line)
                .with("KEYS", keys).with("STAGES", STAGES);
        var tiles = (HELD + 2 * STAGES * keys) * width * dtype.bytes();
        var barriers = (1 + 4 * STAGES) * Long.BYTES;
        var blocks = Math.toIntExact((long) shape.batch() * shape.heads() * Parallel.pieces(shape.time(), HELD));
        launcher.launch(Launch.of(source, "attention_wgmma_forward", blocks, THREADS).withShared(tiles + barriers),
                map(qkv, shape, shape.heads() + 2 * shape.kvHeads(), BOX), map(out, shape, shape.heads(), OUT_BOX), lse,
                shape.time(), shape.heads(), shape.kvHeads(), shape.causal() ? 1 : 0, (float) shape.scale());
    }

    @Override
    public void backward(AttentionShape shape, MemorySegment dOut, MemorySegment qkv, MemorySegment out,
            MemorySegment lse, MemorySegment dQkv) {
        mma.backward(shape, dOut, qkv, out, lse, dQkv);
    }

    /** Columns of a panel, those of a copy. */
    private static int line(int headSize) {
        return headSize <= 32 ? 32 : 64;
    }

    /** Rows of heads as [headSize, heads, time, batch]. */
    private TensorMap map(MemorySegment rows, AttentionShape shape, int heads, int positions) {
        var line = line(shape.headSize());
        var head = (long) shape.headSize() * dtype.bytes();
        var row = head * heads;
        return TensorMap.tiled(dtype, rows, new long[] {shape.headSize(), heads, shape.time(), shape.batch()},
                new long[] {head, row, row * shape.time()}, new int[] {line, 1, positions, 1},
                line == 32 ? Swizzle.BYTES_64 : Swizzle.BYTES_128);
    }
}
