package org.airelab.kernels.attention;

import static org.airelab.kernels.cpu.Lanes.get;
import static org.airelab.kernels.cpu.Lanes.set;

import org.airelab.kernels.cpu.Lanes;
import org.airelab.kernels.cpu.Scratch;

/**
 * The forward pass of the query heads that share one key and value head, for some of the queries. The softmax is taken
 * block of keys by block of keys with running maxima and sums (Milakov and Gimelshein, "Online normalizer calculation
 * for softmax", 2018, algorithm 3).
 */
final class ForwardPass {
    /** Keys of a block: a panel of scores that stays in the first-level cache. */
    private static final int KEYS = 128;
    private static final double LOG2_E = 1 / Math.log(2);
    private static final double LN2 = Math.log(2);

    private final AttentionShape shape;
    private final long qkv;
    private final long out;
    private final long lse;
    private final int sequence;
    private final int kvHead;
    private final int size;
    private final long rowBytes;

    private long keys;
    private long values;
    private long queries;
    private long scores;
    private long sums;
    private long maxima;
    private long before;
    private long unused;
    private long weighted;
    private long part;

    /** @param unit sequence * kvHeads + kvHead */
    ForwardPass(AttentionShape shape, long qkv, long out, long lse, int unit) {
        this.shape = shape;
        this.qkv = qkv;
        this.out = out;
        this.lse = lse;
        this.sequence = unit / shape.kvHeads();
        this.kvHead = unit % shape.kvHeads();
        this.size = shape.headSize();
        this.rowBytes = 4L * size;
    }

    /** Does the queries from {@code from}, a multiple of a panel's columns, to before {@code to}. */
    void run(int from, int to) {
        var seen = shape.causal() ? to : shape.time();
        layOut(seen);
        var packedRow = 4L * shape.packedWidth();
        HeadPacking.rows(qkv + 4 * shape.key(sequence, 0, kvHead), packedRow, keys, rowBytes, seen, size, 1);
        HeadPacking.rows(qkv + 4 * shape.value(sequence, 0, kvHead), packedRow, values, rowBytes, seen, size, 1);
        for (var head = kvHead * shape.group(); head < (kvHead + 1) * shape.group(); head++) {
            for (var first = from; first < to; first += Panel.COLUMNS) {
                attend(head, first);
            }
        }
    }

    private void layOut(int seen) {
        var cache = Scratch.aligned(seen * rowBytes);
        var panel = (long) size * Panel.ROW;
        keys = Scratch.address(2 * cache + 3 * panel + (KEYS + 4L) * Panel.ROW);
        values = keys + cache;
        queries = values + cache;
        weighted = queries + panel;
        part = weighted + panel;
        scores = part + panel;
        sums = scores + (long) KEYS * Panel.ROW;
        maxima = sums + Panel.ROW;
        before = maxima + Panel.ROW;
        unused = before + Panel.ROW;
    }

    /** The queries of a panel, or what is left of them, against all keys they see. */
    private void attend(int head, int first) {
        var count = Math.min(Panel.COLUMNS, shape.time() - first);
        HeadPacking.columns(qkv + 4 * shape.query(sequence, first, head), 4L * shape.packedWidth(), queries, count,
                size, (float) (shape.scale() * LOG2_E));
        ScorePanel.fill(sums, 0);
        ScorePanel.fill(maxima, Float.NEGATIVE_INFINITY);
        var seen = shape.visible(first + count - 1);
        for (var key = 0; key < seen; key += KEYS) {
            attendTo(key, Math.min(KEYS, seen - key), first);
        }
        finish(head, first, count);
    }

    private void attendTo(int key, int rows, int firstQuery) {
        Panel.set(rows, size, keys + key * rowBytes, rowBytes, 4, queries, Panel.ROW, scores, Panel.ROW);
        if (shape.causal()) {
            ScorePanel.mask(scores, rows, key - firstQuery, Float.NEGATIVE_INFINITY);
        }
        Lanes.copy(maxima, before, Panel.ROW);
        ScorePanel.raise(scores, rows, maxima);
        if (key > 0) { // what was summed up under the old maxima has to be brought to the new ones
            ScorePanel.exponentiate(before, 1, maxima, unused);
            ScorePanel.scale(sums, 1, before);
        }
        ScorePanel.exponentiate(scores, rows, maxima, sums);
        // A block's sums begin at 0, which bounds how far rounding errors add up.
        Panel.set(size, rows, values + key * rowBytes, 4, rowBytes, scores, Panel.ROW, key > 0 ? part : weighted,
                Panel.ROW);
        if (key > 0) {
            ScorePanel.scaleAndAdd(weighted, size, before, part);
        }
    }

    private void finish(int head, int first, int count) {
        for (var i = 0; i < count; i++) {
            var logSum = get(maxima + 4L * i) * LN2 + Math.log(get(sums + 4L * i));
            set(lse + 4 * shape.lse(sequence, first + i, head), (float) logSum);
            set(sums + 4L * i, 1 / get(sums + 4L * i));
        }
        ScorePanel.scale(weighted, size, sums);
        HeadPacking.fromColumns(weighted, out + 4 * shape.out(sequence, first, head), 4L * shape.outWidth(), count,
                size, 1);
    }
}
