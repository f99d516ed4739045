package org.airelab.kernels.attention;

import org.airelab.kernels.cpu.Buffers;

/**
 * Sizes of an attention. Packed rows hold all query heads, then all key heads, then all value heads; query head h
 * reads key and value head h / (heads / kvHeads).
 *
 * @param batch    sequences, at least 0
 * @param time     positions of a sequence, at least 1
 * @param heads    query heads, a multiple of kvHeads
 * @param kvHeads  key and value heads, at least 1; fewer than heads is grouped-query attention (Ainslie et al., 2023)
 * @param headSize elements of a head, at least 1
 * @param causal   whether position i sees positions 0 to i alone
 */
public record AttentionShape(int batch, int time, int heads, int kvHeads, int headSize, boolean causal) {
    public AttentionShape {
        Buffers.atLeast("batch", 0, batch);
        Buffers.atLeast("time", 1, time);
        Buffers.atLeast("kvHeads", 1, kvHeads);
        Buffers.atLeast("headSize", 1, headSize);
        if (heads < 1 || heads % kvHeads != 0) {
            throw new IllegalArgumentException("expected heads a multiple of kvHeads " + kvHeads + ", found " + heads);
        }
    }

    /** Query heads that share a key and value head. */
    public int group() {
        return heads / kvHeads;
    }

    /** Elements of a packed row. */
    public int packedWidth() {
        return (heads + 2 * kvHeads) * headSize;
    }

    /** Elements of an output row. */
    public int outWidth() {
        return heads * headSize;
    }

    /** Elements of the packed queries, keys and values. */
    public long packedSize() {
        return (long) batch * time * packedWidth();
    }

    /** Elements of the output. */
    public long outSize() {
        return (long) batch * time * outWidth();
    }

    /** Elements of the log-sum-exps. */
    public long lseSize() {
        return (long) batch * heads * time;
    }

    /** What the products of queries and keys are multiplied by: 1 / sqrt(headSize). */
    public double scale() {
        return 1 / Math.sqrt(headSize);
    }

    /** Index of a query head in the packed rows. */
    long query(int sequence, int position, int head) {
        return ((long) sequence * time + position) * packedWidth() + (long) head * headSize;
    }

    /** Index of a key head in the packed rows. */
    long key(int sequence, int position, int kvHead) {
        return query(sequence, position, heads + kvHead);
    }

    /** Index of a value head in the packed rows. */
    long value(int sequence, int position, int kvHead) {
        return query(sequence, position, heads + kvHeads + kvHead);
    }

    /** Index of a head in the output rows. */
    long out(int sequence, int position, int head) {
        return ((long) sequence * time + position) * outWidth() + (long) head * headSize;
    }

    /** Index of a log-sum-exp. */
    long lse(int sequence, int position, int head) {
        return ((long) sequence * heads + head) * time + position;
    }

    /** Positions that {@code position} sees. */
    int visible(int position) {
        return causal ? position + 1 : time;
    }
}
