package org.airelab.kernels.cuda;

import org.airelab.kernels.DType;

/**
 * How the threads of a block hold rows in registers, for kernels that include {@code held.cuh}: a warp a row where that
 * suffices, so that no row waits for a barrier, else a block a row.
 *
 * @param lanes threads of a row, a multiple of 32
 * @param block threads of a block, a multiple of lanes
 * @param held  chunks of 16 bytes that a thread holds; what a row has beyond is read again
 */
public record HeldRows(int lanes, int block, int held) {
    private static final int WARP = 32;
    private static final int CHUNK_BYTES = 16;
    /** Rows of a block whose rows are a warp's each. */
    private static final int WARPS = 4;

    /**
     * For rows of a width.
     *
     * @param wide        most chunks that a thread of a block a row holds
     * @param narrow      most chunks that a thread of a warp a row holds, at least as many
     * @param mostThreads threads of a block that there are registers for
     */
    public static HeldRows of(DType dtype, int width, int wide, int narrow, int mostThreads) {
        var chunks = pieces(width, CHUNK_BYTES / dtype.bytes());
        var each = chunks <= WARP * narrow ? narrow : wide;
        var lanes = Math.min(mostThreads, WARP * warps(pieces(chunks, WARP * each)));
        return lanes == WARP ? new HeldRows(WARP, WARPS * WARP, Math.min(each, pieces(chunks, WARP)))
                : new HeldRows(lanes, lanes, each);
    }

    /**
     * At least so many warps, in steps of a third to a half: 1, 2, 3, 4, 6, 8, 12, 16. Each number is compiled by
     * itself.
     */
    public static int warps(int least) {
        var power = Integer.highestOneBit(Math.max(1, least - 1));
        return least == 1 ? 1 : 2 * least <= 3 * power ? 3 * power / 2 : 2 * power;
    }

    /** A launch with threads of their own for each row. */
    public Launch launch(KernelSource source, String entry, int rows) {
        return blocks(source, entry, blocks(rows));
    }

    /** Blocks whose threads take a row each. */
    public int blocks(int rows) {
        return pieces(rows, block / lanes);
    }

    /** A launch of so many blocks. */
    public Launch blocks(KernelSource source, String entry, int blocks) {
        return Launch.of(source.with("BLOCK", block).with("LANES", lanes).with("HELD", held), entry, blocks, block);
    }

    private static int pieces(int count, int each) {
        return (count - 1) / each + 1;
    }
}
