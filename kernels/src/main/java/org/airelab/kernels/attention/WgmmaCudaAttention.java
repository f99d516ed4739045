package org.airelab.kernels.attention;

import java.lang.foreign.MemorySegment;
import java.util.stream.Stream;
import org.airelab.kernels.DType;
import org.airelab.kernels.cpu.Parallel;
import org.airelab.kernels.cuda.KernelSource;
import org.airelab.kernels.cuda.Launch;
import org.airelab.kernels.cuda.Launcher;
import org.airelab.kernels.cuda.Swizzle;
import org.airelab.kernels.cuda.TensorMap;
import org.airelab.kernels.rotary.RotaryTable;

/**
 * {@code attention/wgmma.cu} and {@code attention/wgmma-backward.cu}: Hopper's wgmma and Tensor Memory Accelerator,
 * head sizes that are multiples of 8. Any device but of compute capability 9.0, and the backward pass of heads above
 * 128, are left to the rung mma.
 */
final class WgmmaCudaAttention implements Attention {
    /** The only compute capability that has wgmma. */
    static final int HOPPER = 90;
    /** Positions of a consumer and of a copy: of a tile, and of the results, which warps write. */
    private static final int BOX = 64;
    private static final int RESULT_BOX = 16;
    /** Consumers of a block of the backward pass. */
    private static final int CONSUMERS = 2;
    private static final int HELD = CONSUMERS * BOX;
    private static final int STAGES = 2;
    /** The widest gradients of keys and values whose sums leave a consumer room for scores. */
    private static final int MOST_BACKWARD = 128;
    private static final int DELTA_THREADS = 256;
    private static final int GROUP = 128;

    private final Launcher launcher;
    private final DType dtype;
    private final MmaCudaAttention mma;

    WgmmaCudaAttention(Launcher launcher, DType dtype) {
        this.launcher = launcher;
        this.dtype = dtype;
        this.mma = new MmaCudaAttention(launcher, dtype);
    }

    @Override
    public boolean takes(int headSize) {
        return mma.takes(headSize);
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
        var width = width(shape.headSize());
        // Heads of 64: three blocks of one consumer on a multiprocessor, which run a seventh to a quarter faster.
        var consumers = width <= 64 ? 1 : CONSUMERS;
        var stream = width <= 64 || width > 128 ? 64 : 128;
        var bytes = dtype.bytes() * width * (consumers * BOX + 2 * STAGES * stream) + (1 + 4 * STAGES) * Long.BYTES;
        launch(source("wgmma.cu", shape, stream, consumers), consumers, "forward", shape.heads(), bytes, shape,
                map(qkv, shape, packedHeads(shape), BOX), map(out, shape, shape.heads(), RESULT_BOX), lse);
    }

    @Override
    public void backward(AttentionShape shape, MemorySegment dOut, MemorySegment qkv, MemorySegment out,
            MemorySegment lse, MemorySegment dQkv) {
        if (available() && shape.headSize() <= MOST_BACKWARD) {
            backward(shape, null, dOut, qkv, out, lse, dQkv);
        } else {
            mma.backward(shape, dOut, qkv, out, lse, dQkv);
        }
    }

    @Override
    public boolean backwardOfRotated(AttentionShape shape, RotaryTable table, MemorySegment dOut, MemorySegment qkv,
            MemorySegment out, MemorySegment lse, MemorySegment dQkv) {
        Attention.check(shape, table);
        var pairsInAThread = table.pairing() == RotaryTable.Pairing.INTERLEAVED || shape.headSize() % 16 == 0;
        var turns = available() && shape.headSize() <= 64 && pairsInAThread;
        if (turns) {
            backward(shape, table, dOut, qkv, out, lse, dQkv);
        } else {
            backward(shape, dOut, qkv, out, lse, dQkv);
        }
        return turns;
    }

    /** {@code table} is null where rows are not to be turned back. */
    private void backward(AttentionShape shape, RotaryTable table, MemorySegment dOut, MemorySegment qkv,
            MemorySegment out, MemorySegment lse, MemorySegment dQkv) {
        Attention.check(shape, dtype, dOut, qkv, out, lse, dQkv);
        mma.checkHeadSize(shape.headSize());
        if (shape.batch() == 0) {
            return;
        }
        var cosines = table == null ? null : table.cosines();
        var sines = table == null ? null : table.sines();
        var width = width(shape.headSize());
        var stream = width <= 64 ? 128 : 64;
        var source = turning(source("wgmma-backward.cu", shape, stream, CONSUMERS), table);
        var tiles = (long) shape.batch() * shape.heads() * Math.ceilDiv(shape.time(), stream);
        // Deltas, the queries' gradients in whole tiles, a turn for each tile, and the tickets.
        var deltasBytes = 16 * Math.ceilDiv(Float.BYTES * shape.lseSize(), 16);
        var sumsBytes = Float.BYTES * tiles * stream * width;
        var deltas = launcher.temporary(deltasBytes + sumsBytes + Integer.BYTES * (tiles + 1));
        var sums = deltas.asSlice(deltasBytes);
        var turns = sums.asSlice(sumsBytes);
        launcher.launch(Launch.of(source, "attention_wgmma_deltas",
                Parallel.pieces(deltaLanes(shape) * shape.lseSize() + 1, DELTA_THREADS), DELTA_THREADS), dOut, out,
                deltas, turns, shape.batch(), shape.time(), shape.heads(), shape.kvHeads());
        var bytes = dtype.bytes() * 2 * (width * (HELD + STAGES * stream) + HELD * stream)
                + Float.BYTES * stream * (width + 2 * STAGES) + (8 + 2 * STAGES) * Long.BYTES;
        var gradients = map(dQkv, shape, packedHeads(shape), RESULT_BOX);
        launch(source, CONSUMERS, "backward", shape.kvHeads(), bytes, shape, map(dOut, shape, shape.heads(), BOX),
                map(qkv, shape, packedHeads(shape), BOX), lse, deltas, gradients, sums, turns, cosines, sines,
                section(shape), shape.batch());
        launcher.launch(Launch.of(source, "attention_wgmma_round", Math.toIntExact(2 * tiles), GROUP)
                .withShared(dtype.bytes() * BOX * line(shape.headSize())), sums, gradients, cosines, sines,
                shape.time(), shape.heads(), (float) shape.scale());
    }

    private static KernelSource turning(KernelSource source, RotaryTable table) {
        return table == null ? source
                : source.with("ROTATED", table.pairing() == RotaryTable.Pairing.HALF_SPLIT ? 1 : 2);
    }

    /** Threads that share a row of 16-byte pieces: the power of two that is enough. */
    private static long deltaLanes(AttentionShape shape) {
        return Math.max(1, 2 * Integer.highestOneBit((shape.headSize() - 1) / 8));
    }

    /**
     * Heads of keys that are worked on together: of as many blocks as twice fill the device, four times where heads are
     * short and their sums leave more of the L2 cache. On an H200, TFLOP/s of causal heads of 64 at 16 x 128 positions:
     * 293 with 16 heads, 335 with 32; of 128: 385 with 16, 353 with 32.
     */
    private int section(AttentionShape shape) {
        var rounds = shape.headSize() <= 64 ? 4 : 2;
        return Math.ceilDiv(rounds * launcher.multiprocessors(), Math.ceilDiv(shape.time(), HELD));
    }

    /** A block for each tile of positions of each head. */
    private void launch(KernelSource source, int consumers, String step, int heads, int sharedBytes,
            AttentionShape shape, Object... tensors) {
        var blocks = Math.toIntExact((long) shape.batch() * heads * Parallel.pieces(shape.time(), consumers * BOX));
        var sizes = new Object[] {shape.time(), shape.heads(), shape.kvHeads(), shape.causal() ? 1 : 0,
            (float) shape.scale()};
        launcher.launch(Launch.of(source, "attention_wgmma_" + step, blocks, (1 + consumers) * GROUP)
                .withShared(sharedBytes),
                Stream.of(tensors, sizes).flatMap(Stream::of).toArray());
    }

    private KernelSource source(String file, AttentionShape shape, int stream, int consumers) {
        return CudaAttentions.source(file, dtype).with("HEAD_SIZE", shape.headSize())
                .with("LINE", line(shape.headSize())).with("STREAM", stream).with("STAGES", STAGES)
                .with("CONSUMERS", consumers).with("BLOCKS", consumers == 1 ? 3 : 1);
    }

    private static int packedHeads(AttentionShape shape) {
        return shape.heads() + 2 * shape.kvHeads();
    }

    /** Columns of a panel, those of a copy. */
    private static int line(int headSize) {
        return headSize <= 32 ? 32 : 64;
    }

    /** Columns of a tile: whole panels. */
    private static int width(int headSize) {
        return Math.ceilDiv(headSize, line(headSize)) * line(headSize);
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
