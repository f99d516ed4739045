package org.airelab.nn;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * How a model's flat layout is divided among ranks (Rajbhandari et al. 2020, section 5): bucket by bucket, and every
 * bucket in equal parts, the first rank's first. A rank updates what it owns, and keeps the optimizer's state of that
 * alone; from stage 2 on its gradients, in stage 3 its weights, too.
 *
 * @param rank   of the caller, from 0
 * @param ranks  how many there are
 * @param stage  of ZeRO: what is divided; 0 of one rank
 * @param bucket elements of a bucket, a multiple of {@link #multiple}, or more than there are; in stages 2 and 3, where
 *               the parts of the model are the buckets, 0
 */
public record Shards(int rank, int ranks, int stage, long bucket) {
    /** One rank that has everything. */
    public static final Shards WHOLE = new Shards(0, 1, 0, Long.MAX_VALUE);

    /** Elements at whose multiples parameters begin, and what a rank owns of a bucket does. */
    static final int ALIGNMENT = 16;

    /**
     * A range of the flat layout.
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

    /**
     * A range of the flat layout that a rank owns.
     *
     * @param from its first element
     * @param to   the first behind it
     * @param at   where it begins in an array of all that the rank owns, one range behind the other
     */
    public record Owned(long from, long to, long at) {
        /** Its elements. */
        public long size() {
            return to - from;
        }

        /** The range alone. */
        public Piece piece() {
            return new Piece(from, to);
        }
    }

    /** The state of the optimizer is divided, in buckets of about {@code elements}. */
    public static Shards of(int rank, int ranks, long elements) {
        long multiple = (long) ranks * ALIGNMENT;
        return new Shards(rank, ranks, 1, Math.max(1, elements / multiple) * multiple);
    }

    /** Gradients are divided, too, and of stage 3 weights: part of the model by part. */
    public static Shards ofParts(int rank, int ranks, int stage) {
        return new Shards(rank, ranks, stage, 0);
    }

    /** Whether a rank keeps the gradients of what it owns alone. */
    public boolean dividesGradients() {
        return stage >= 2;
    }

    /** Whether a rank keeps the weights of what it owns alone. */
    public boolean dividesWeights() {
        return stage >= 3;
    }

    /** Elements at whose multiples the parts of a model begin, so that each can be divided. */
    public long multiple() {
        return (long) ranks * ALIGNMENT;
    }

    /**
     * The buckets of a layout, from its end; of a given size the last may be smaller.
     *
     * @param parts of the model: ranges one behind the other, from 0 to the layout's end; some may be empty
     */
    public List<Piece> buckets(List<Piece> parts) {
        if (dividesGradients()) {
            return parts.reversed().stream().filter(part -> part.size() > 0).toList();
        }
        List<Piece> buckets = new ArrayList<>();
        for (long to = parts.getLast().to(); to > 0; to -= Math.min(to, bucket)) {
            buckets.add(new Piece(Math.max(0, to - bucket), to));
        }
        return buckets;
    }

    /** What a rank owns of a bucket. */
    public Piece share(Piece bucket, int owner) {
        long each = bucket.size() / ranks;
        return new Piece(bucket.from + owner * each, bucket.from + (owner + 1L) * each);
    }

    /** What a rank owns of a layout, in its order. */
    public List<Owned> owned(List<Piece> parts, int owner) {
        List<Owned> owned = new ArrayList<>();
        long at = 0;
        List<Piece> ascending = buckets(parts).stream().sorted(Comparator.comparing(Piece::from)).toList();
        for (Piece bucket : ascending) {
            Piece share = share(bucket, owner);
            owned.add(new Owned(share.from, share.to, at));
            at += share.size();
        }
        return owned;
    }
}
