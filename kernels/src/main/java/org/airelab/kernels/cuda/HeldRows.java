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
     * @param wished      chunks that a thread of a wide row should hold
     * @param most        chunks that a thread can hold
     * @param mostThreads threads of a block that there are registers for
     */
    public static HeldRows of(DType dtype, int width, int wished, int most, int mostThreads) {
        var chunks = pieces(width, CHUNK_BYTES / dtype.bytes());
        var each = chunks <= WARP * most ? most : wished;
        var lanes = Math.min(mostThreads, WARP * pieces(chunks, WARP * each));
        return new HeldRows(lanes, lanes == WARP ? WARPS * WARP : lanes, Math.min(most, pieces(chunks, lanes)));
    }

    /** A launch whose blocks take rows, one of its own for each of the {@code lanes}' threads, until there is none. */
    public Launch launch(KernelSource source, String entry, int rows) {
        return blocks(source, entry, pieces(rows, block / lanes));
    }

    /** A launch of so many blocks. */
    public Launch blocks(KernelSource source, String entry, int blocks) {
        return Launch.of(source.with("BLOCK", block).with("LANES", lanes).with("HELD", held), entry, blocks, block);
    }

    private static int pieces(int count, int each) {
        return (count - 1) / each + 1;
    }
}
