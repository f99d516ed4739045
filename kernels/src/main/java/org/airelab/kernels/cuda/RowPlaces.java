package org.airelab.kernels.cuda;

import org.airelab.kernels.cpu.Parallel;

/**
 * Rows that all have so many places, such as chunks of 16 bytes, and a thread for each place: what {@code RowPlace} of
 * {@code elements.cuh} counts.
 *
 * @param rows     at least 1
 * @param together rows of a group; a group is the blocks along x, the groups lie along y
 * @param places   of a row, at least 1
 */
public record RowPlaces(int rows, int together, int places) {
    private static final int THREADS = 256;
    /** Places of a group, so that 32 bits count them. */
    private static final int MOST = 1 << 30;

    /** As many rows together as can be. */
    public static RowPlaces of(int rows, int places) {
        return new RowPlaces(rows, Math.clamp(MOST / places, 1, rows), places);
    }

    /** A launch of a kernel whose RowPlace has these numbers. */
    public Launch launch(KernelSource source, String entry) {
        return new Launch(source.with("BLOCK", THREADS), entry, Parallel.pieces((long) together * places, THREADS),
                Parallel.pieces(rows, together), 1, THREADS, 0, 1);
    }
}
