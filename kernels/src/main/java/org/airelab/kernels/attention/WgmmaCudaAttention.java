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
    private static final int STATISTICS_THREADS = 256;
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
        launch(source("wgmma.cu", shape, stream, consumers), consumers, "forward",
                tiles(shape, shape.heads(), consumers), bytes, shape,
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
        var width = width(shape.headSize());
        var stream = width <= 64 ? 128 : 64;
        var source = turning(source("wgmma-backward.cu", shape, stream, CONSUMERS), table);
        var tiles = (long) shape.batch() * shape.heads() * Math.ceilDiv(shape.time(), stream);
        // Of each tile of queries its statistics, its gradients and its turns; and the tickets.
        var statisticsBytes = Float.BYTES * 2 * stream * tiles;
        var sumsBytes = Float.BYTES * stream * width * tiles;
        var statistics = launcher.temporary(statisticsBytes + sumsBytes + Integer.BYTES * (tiles + 1));
        var sums = statistics.asSlice(statisticsBytes);
        var turns = sums.asSlice(sumsBytes);
        launcher.launch(Launch.of(source, "attention_wgmma_statistics",
                Parallel.pieces(statisticsLanes(shape) * stream * tiles, STATISTICS_THREADS), STATISTICS_THREADS),
                dOut, out, lse, statistics, turns, shape.batch(), shape.time(), shape.heads(), shape.kvHeads());
        var cosines = table == null ? null : table.cosines();
        var sines = table == null ? null : table.sines();
        var gradients = map(dQkv, shape, packedHeads(shape), RESULT_BOX);
        // Where two tiles of keys and values fit, a block a multiprocessor, which goes from one work to the next.
        var heldTiles = width <= 64 ? 2 : 1;
        var works = tiles(shape, shape.kvHeads(), CONSUMERS);
        launch(source, CONSUMERS, "backward", heldTiles == 1 ? works : Math.min(works, launcher.multiprocessors()),
                backwardBytes(width, stream, heldTiles), shape, map(dOut, shape, shape.heads(), BOX),
                map(qkv, shape, packedHeads(shape), BOX), map(statistics, stream, tiles), gradients, sums, turns,
                cosines, sines, section(shape), rising(shape) ? 1 : 0, shape.batch());
        launcher.launch(Launch.of(source, "attention_wgmma_round", Math.toIntExact(2 * tiles), GROUP)
                .withShared(dtype.bytes() * BOX * line(shape.headSize())), sums, gradients, cosines, sines,
                shape.time(), shape.heads(), (float) shape.scale());
    }

    /** Shared memory of the backward pass: tiles, statistics, barriers and the block's ticket. */
    private int backwardBytes(int width, int stream, int heldTiles) {
        return dtype.bytes() * 2 * (width * (heldTiles * HELD + STAGES * stream) + HELD * stream)
                + Float.BYTES * stream * (width + 2 * STAGES) + (8 + heldTiles + 2 * STAGES) * Long.BYTES;
    }

    private static KernelSource turning(KernelSource source, RotaryTable table) {
        return table == null ? source
                : source.with("ROTATED", table.pairing() == RotaryTable.Pairing.HALF_SPLIT ? 1 : 2);
    }

    /** Threads that share a row of 16-byte pieces: the power of two that is enough. */
    private static long statisticsLanes(AttentionShape shape) {
        return Math.max(1, 2 * Integer.highestOneBit((shape.headSize() - 1) / 8));
    }

    /**
     * Heads of keys that are worked on together, so many that blocks seldom wait for each other and so few that they
     * fit the cache. Fitted to causal shapes on an H100, in ms (batch x positions, heads, of which of keys):
     * <ul>
     * <li>of 64, sections of equal length, of about 3.4 times as many blocks as the device has multiprocessors:
     * 32 x 1024, 12: 0.436 with 55, 0.440 with 44, 0.452 with 66; 1 x 8192, 16: 0.737 with 8, 0.783 with 6;
     * <li>of 128, one block a multiprocessor: 8 x 2048, 16: 0.856 with 8, 0.922 with 17; 1 x 16384, 16: 5.28 with 1,
     * 5.74 with 2; without a mask two: 8 x 2048, 16: 1.40 with 17, 1.69 with 33;
     * <li>where heads share keys, four, and {@link #rising}: 1 x 8192, 32, 8: 2.92 with 8, 3.38 with 4; 2 x 4096, 32,
     * 8: 1.51 with 16, 1.74 with 8.
     * </ul>
     */
    private int section(AttentionShape shape) {
        var heads = shape.batch() * shape.kvHeads();
        var tiles = Math.ceilDiv(shape.time(), HELD);
        if (shape.headSize() <= 64 && !rising(shape)) {
            var sections = Math.max(1, Math.round(heads * tiles / (3.4f * launcher.multiprocessors())));
            return Math.ceilDiv(heads, sections);
        }
        if (!rising(shape) && !shape.causal()) {
            return Math.ceilDiv(2 * launcher.multiprocessors(), tiles);
        }
        return Math.max(1, (rising(shape) ? 4 : 1) * launcher.multiprocessors() / tiles);
    }

    /**
     * Whether all sections, not the last one alone, begin with their first keys: where heads share keys. On an H100,
     * 1 x 8192 positions, 32 heads of 128, 8 of keys: 3.38 ms with 4 heads a section, 4.32 ms else.
     */
    private static boolean rising(AttentionShape shape) {
        return shape.heads() > shape.kvHeads();
    }

    /** Tiles of positions of all heads, which a block's consumers work on together. */
    private static int tiles(AttentionShape shape, int heads, int consumers) {
        return Math.toIntExact((long) shape.batch() * heads * Parallel.pieces(shape.time(), consumers * BOX));
    }

    private void launch(KernelSource source, int consumers, String step, int blocks, int sharedBytes,
            AttentionShape shape, Object... tensors) {
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

    /** Log-sum-exps and deltas of tiles of queries, a row a tile. */
    private static TensorMap map(MemorySegment statistics, int stream, long tiles) {
        return TensorMap.tiled(DType.FP32, statistics, new long[] {2 * stream, tiles},
                new long[] {Float.BYTES * 2 * stream}, new int[] {2 * stream, 1}, Swizzle.NONE);
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
