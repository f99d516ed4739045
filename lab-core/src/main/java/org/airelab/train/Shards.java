package org.airelab.train;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.airelab.nn.FlatParameters;
import org.airelab.nn.ParameterSpec;

/**
 * How a model's flat buffers are divided among ranks for the update (Rajbhandari et al. 2020, section 5): bucket by
 * bucket, from the end of the buffers, and every bucket in equal parts, the first rank's first. A rank updates its
 * parts and keeps the optimizer's state of those alone.
 *
 * @param rank   of the caller, from 0
 * @param ranks  how many there are
 * @param bucket elements of a bucket: a multiple of {@link #multiple}, or more than there are
 */
public record Shards(int rank, int ranks, long bucket) {
    /** One rank that updates everything. */
    public static final Shards WHOLE = new Shards(0, 1, Long.MAX_VALUE);

    /** Elements at whose multiples parts begin, as parameters do. */
    private static final int ALIGNMENT = 16;

    /**
     * A range of the flat buffers.
     *
     * @param from its first element
     * @param to   the first behind it
     */
    public record Piece(long from, long to) {
        /** Its elements. */
        public long size() {
            return to - from;
        }
    }

    /** Buckets of about {@code elements}. */
    public static Shards of(int rank, int ranks, long elements) {
        long multiple = (long) ranks * ALIGNMENT;
        return new Shards(rank, ranks, Math.max(1, elements / multiple) * multiple);
    }

    /** Elements at whose multiples buckets begin and the buffers end. */
    public long multiple() {
        return (long) ranks * ALIGNMENT;
    }

    /** The buckets of buffers of {@code size} elements, from the end of the buffers; the last may be smaller. */
    public List<Piece> buckets(long size) {
        List<Piece> buckets = new ArrayList<>();
        for (long to = size; to > 0; to -= Math.min(to, bucket)) {
            buckets.add(new Piece(Math.max(0, to - bucket), to));
        }
        return buckets;
    }

    /** A rank's part of a bucket. */
    public Piece part(Piece bucket, int rank) {
        long each = bucket.size() / ranks;
        return new Piece(bucket.from + rank * each, bucket.from + (rank + 1L) * each);
    }

    /** A rank's parts of buffers of {@code size} elements, in the order of the buckets. */
    public List<Piece> parts(long size, int rank) {
        return buckets(size).stream().map(bucket -> part(bucket, rank)).toList();
    }

    /** What of some pieces belongs to the parameters of a kind. */
    public static List<Piece> within(List<Piece> pieces, FlatParameters parameters, Predicate<ParameterSpec> kind) {
        List<Piece> within = new ArrayList<>();
        for (Piece piece : pieces) {
            for (FlatParameters.Slot slot : parameters.slots()) {
                long from = Math.max(piece.from, slot.offset());
                long to = Math.min(piece.to, slot.offset() + slot.spec().elements());
                if (from < to && kind.test(slot.spec())) {
                    within.add(new Piece(from, to));
                }
            }
        }
        return within;
    }
}
