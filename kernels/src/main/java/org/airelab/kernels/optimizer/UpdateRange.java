package org.airelab.kernels.optimizer;

import java.lang.foreign.MemorySegment;
import org.airelab.kernels.cpu.Buffers;
import org.airelab.kernels.cpu.Cores;

/**
 * The part of the flat memory an update works on, and the factor of the gradient there.
 *
 * @param from          first element
 * @param to            element after the last
 * @param gradientScale the gradient is multiplied by this first: a clipping factor, or 1
 */
public record UpdateRange(long from, long to, float gradientScale) {
    private static final int ELEMENTS = 16384;

    public UpdateRange {
        if (from < 0 || to < from) {
            throw new IllegalArgumentException("expected a range 0 <= from <= to, found " + from + " to " + to);
        }
    }

    /** All elements, the gradient taken as it is. */
    public static UpdateRange all(long count) {
        return new UpdateRange(0, count, 1);
    }

    /** Number of its elements. */
    long count() {
        return to - from;
    }

    /** The part of a flat memory of float32; null for null, a state that is not there. */
    MemorySegment of(MemorySegment flat) {
        return flat == null ? null : flat.asSlice(Float.BYTES * from, Float.BYTES * count());
    }

    void forPieces(Cores cores, Cores.Piece body) {
        cores.forPieces(from, to, ELEMENTS, body);
    }

    /** Checks that the flat memories are of one size that holds the range. */
    void check(MemorySegment weights, MemorySegment... others) {
        var count = weights.byteSize() / Float.BYTES;
        Buffers.floats("the weights", weights, count);
        if (to > count) {
            throw new IllegalArgumentException("expected a range within " + count + " elements, found one to " + to);
        }
        for (var other : others) {
            Buffers.floats("gradient and state", other, count);
        }
    }
}
