package org.airelab.kernels.attention;

import static org.airelab.kernels.cpu.Lanes.get;
import static org.airelab.kernels.cpu.Lanes.set;

import org.airelab.kernels.cpu.Lanes;
import org.airelab.kernels.cpu.Scratch;

/**
 * The backward pass of the query heads that share one key and value head, for some of the keys (Dao,
 * "FlashAttention-2", 2023, algorithm 2). A block of keys is held against one panel of queries after the other,
 * so that its own gradients stay in cache. One thread does it all in a fixed order: heads, then blocks of keys, then
 * blocks of queries.
 */
final class BackwardPass {
    /** Keys of a block: its rows, their gradients and two panels of scores fill the first two cache levels. */
    private static final int KEYS = 64;
    /** Panels of queries that a block of keys sums up at once, from 0 on: it bounds how far rounding errors add up. */
    private static final int PANELS = 128 / Panel.COLUMNS;
    private static final double LOG2_E = 1 / Math.log(2);
    private static final float LN2 = (float) Math.log(2);

    private final AttentionShape shape;
    private final long dOut;
    private final long qkv;
    private final long out;
    private final long lse;
    private final long dQkv;
    private final int sequence;
    private final int kvHead;
    private final int size;
    /** Bytes of a dense row, and of one that is padded to whole vectors. */
    private final long rowBytes;
    private final long paddedBytes;
    private final long panelBytes;
    private final int blocks;
    private final long packedRow;
    private final long outRow;

    private int firstKey;
    private int keyCount;
    private long keys;
    private long values;
    private long dKeys;
    private long dValues;
    private long queryRows;
    private long queryPanels;
    private long dOutRows;
    private long dOutPanels;
    private long dQueryPanels;
    private long logSums;
    private long deltas;
    private long scores;
    private long dScores;
    private long unused;
    private long dQueryPart;
    private long dKeyPart;
    private long dValuePart;

    /** @param unit sequence * kvHeads + kvHead */
    BackwardPass(AttentionShape shape, long dOut, long qkv, long out, long lse, long dQkv, int unit) {
        this.shape = shape;
        this.dOut = dOut;
        this.qkv = qkv;
        this.out = out;
        this.lse = lse;
        this.dQkv = dQkv;
        this.sequence = unit / shape.kvHeads();
        this.kvHead = unit % shape.kvHeads();
        this.size = shape.headSize();
        this.rowBytes = 4L * size;
        this.paddedBytes = Scratch.aligned(rowBytes);
        this.panelBytes = (long) size * Panel.ROW;
        this.blocks = (shape.time() + Panel.COLUMNS - 1) / Panel.COLUMNS;
        this.packedRow = 4L * shape.packedWidth();
        this.outRow = 4L * shape.outWidth();
    }

    /**
     * Does the keys from {@code from}, a multiple of a panel's columns, to before {@code to}: all of their gradients,
     * and their part of the queries' gradients.
     *
     * @param dQueries     address of where to write that part, heads first in each row
     * @param queriesWidth elements of a row there
     */
    void run(int from, int to, long dQueries, int queriesWidth) {
        firstKey = from;
        keyCount = to - from;
        layOut();
        var key = 4 * shape.key(sequence, from, kvHead);
        var value = 4 * shape.value(sequence, from, kvHead);
        HeadPacking.rows(qkv + key, packedRow, keys, rowBytes, keyCount, size, 1);
        HeadPacking.rows(qkv + value, packedRow, values, rowBytes, keyCount, size, 1);
        Lanes.zero(dKeys, keyCount * paddedBytes);
        Lanes.zero(dValues, keyCount * paddedBytes);
        for (var head = kvHead * shape.group(); head < (kvHead + 1) * shape.group(); head++) {
            backward(head);
            var row = 4L * queriesWidth;
            writeQueries(dQueries + sequence * shape.time() * row + head * rowBytes, row);
        }
        // Queries were scaled by scale * log2(e), so what they sum up to lacks ln 2.
        HeadPacking.rows(dKeys, paddedBytes, dQkv + key, packedRow, keyCount, size, LN2);
        HeadPacking.rows(dValues, paddedBytes, dQkv + value, packedRow, keyCount, size, 1);
    }

    private void layOut() {
        var dense = Scratch.aligned(keyCount * rowBytes);
        var padded = keyCount * paddedBytes;
        var queryPadded = blocks * Panel.COLUMNS * paddedBytes;
        var panels = blocks * panelBytes;
        var row = (long) blocks * Panel.ROW;
        var panel = (long) KEYS * Panel.ROW;
        var part = KEYS * paddedBytes;
        keys = Scratch.address(2 * dense + 2 * padded + 2 * queryPadded + 3 * panels + 2 * row + 2 * panel + Panel.ROW
                + panelBytes + 2 * part);
        values = keys + dense;
        dKeys = values + dense;
        dValues = dKeys + padded;
        queryRows = dValues + padded;
        dOutRows = queryRows + queryPadded;
        queryPanels = dOutRows + queryPadded;
        dOutPanels = queryPanels + panels;
        dQueryPanels = dOutPanels + panels;
        logSums = dQueryPanels + panels;
        deltas = logSums + row;
        scores = deltas + row;
        dScores = scores + panel;
        unused = dScores + panel;
        dQueryPart = unused + Panel.ROW;
        dKeyPart = dQueryPart + panelBytes;
        dValuePart = dKeyPart + part;
        // Padding columns are multiplied, too: by 0, not by leftovers.
        Lanes.zero(queryRows, 2 * queryPadded);
        Lanes.zero(dKeyPart, 2 * part);
    }

    private void backward(int head) {
        // Queries before the first key see none of a causal task's keys.
        for (var block = shape.causal() ? firstKey / Panel.COLUMNS : 0; block < blocks; block++) {
            pack(head, block);
        }
        Lanes.zero(dQueryPanels, blocks * panelBytes);
        for (var key = 0; key < keyCount; key += KEYS) {
            var firstBlock = shape.causal() ? (firstKey + key) / Panel.COLUMNS : 0;
            for (var block = firstBlock; block < blocks; block++) {
                backward(key, block);
                if (inParts() && ((block + 1) % PANELS == 0 || block + 1 == blocks)) {
                    addParts(key);
                }
            }
        }
    }

    /** Whether there are more queries than a block of keys sums up at once. */
    private boolean inParts() {
        return blocks > PANELS;
    }

    /** Adds up what some panels of queries gave a block of keys. */
    private void addParts(int key) {
        var bytes = Math.min(KEYS, keyCount - key) * paddedBytes;
        HeadPacking.add(dKeyPart, dKeys + key * paddedBytes, (int) (bytes / 4));
        HeadPacking.add(dValuePart, dValues + key * paddedBytes, (int) (bytes / 4));
        Lanes.zero(dKeyPart, 2 * KEYS * paddedBytes);
    }

    private void writeQueries(long to, long toRow) {
        for (var block = 0; block < blocks; block++) {
            var first = block * Panel.COLUMNS;
            HeadPacking.fromColumns(dQueryPanels + block * panelBytes, to + first * toRow, toRow, count(first), size,
                    (float) shape.scale());
        }
    }

    private int count(int firstQuery) {
        return Math.min(Panel.COLUMNS, shape.time() - firstQuery);
    }

    /** Copies the queries of a panel and their output gradients, as rows and panels, and what their softmax needs. */
    private void pack(int head, int block) {
        var first = block * Panel.COLUMNS;
        var count = count(first);
        var query = qkv + 4 * shape.query(sequence, first, head);
        var gradient = dOut + 4 * shape.out(sequence, first, head);
        var factor = (float) (shape.scale() * LOG2_E);
        HeadPacking.rows(query, packedRow, queryRows + first * paddedBytes, paddedBytes, count, size, factor);
        HeadPacking.rows(gradient, outRow, dOutRows + first * paddedBytes, paddedBytes, count, size, 1);
        HeadPacking.columns(query, packedRow, queryPanels + block * panelBytes, count, size, factor);
        HeadPacking.columns(gradient, outRow, dOutPanels + block * panelBytes, count, size, 1);
        ScorePanel.fill(logSums + (long) block * Panel.ROW, 0);
        ScorePanel.fill(deltas + (long) block * Panel.ROW, 0);
        var result = out + 4 * shape.out(sequence, first, head);
        for (var i = 0; i < count; i++) {
            var logSum = get(lse + 4 * shape.lse(sequence, first + i, head));
            // Of a query without scores: 0 / 0.
            set(logSums + 4L * (first + i), logSum == Float.NEGATIVE_INFINITY ? Float.NaN : (float) (LOG2_E * logSum));
            set(deltas + 4L * (first + i), -HeadPacking.dot(gradient + i * outRow, result + i * outRow, size));
        }
    }

    /** The block of keys from the {@code key}-th of the task on, against the queries of a panel. */
    private void backward(int key, int block) {
        var first = block * Panel.COLUMNS;
        var seen = Math.min(keyCount, shape.visible(first + count(first) - 1) - firstKey);
        var rows = Math.min(KEYS, seen - key);
        var row = (long) block * Panel.ROW;
        Panel.set(rows, size, keys + key * rowBytes, rowBytes, 4, queryPanels + block * panelBytes, Panel.ROW,
                scores, Panel.ROW);
        Panel.set(rows, size, values + key * rowBytes, rowBytes, 4, dOutPanels + block * panelBytes, Panel.ROW,
                deltas + row, dScores, Panel.ROW);
        ScorePanel.exponentiate(scores, rows, logSums + row, unused);
        ScorePanel.multiply(dScores, scores, rows);
        if (shape.causal()) { // only now: a query without probabilities makes NaN of everything
            ScorePanel.mask(scores, rows, firstKey + key - first, 0);
            ScorePanel.mask(dScores, rows, firstKey + key - first, 0);
        }
        addTransposed(rows, count(first), scores, dOutRows + first * paddedBytes,
                inParts() ? dValuePart : dValues + key * paddedBytes);
        addTransposed(rows, count(first), dScores, queryRows + first * paddedBytes,
                inParts() ? dKeyPart : dKeys + key * paddedBytes);
        var dQueries = dQueryPanels + block * panelBytes;
        Panel.set(size, rows, keys + key * rowBytes, 4, rowBytes, dScores, Panel.ROW, key > 0 ? dQueryPart : dQueries,
                Panel.ROW);
        if (key > 0) {
            HeadPacking.add(dQueryPart, dQueries, size * Panel.COLUMNS);
        }
    }

    /**
     * Adds to each key's row the panel's queries' rows, weighted by the panel. A column without a query has scores,
     * too: 0 times an infinite key is NaN.
     */
    private void addTransposed(int rows, int queries, long panel, long queryRows, long keyRows) {
        var at = 0L;
        for (; at + Panel.ROW <= paddedBytes; at += Panel.ROW) {
            Panel.add(rows, queries, panel, Panel.ROW, 4, queryRows + at, paddedBytes, keyRows + at, paddedBytes);
        }
        if (at < paddedBytes) {
            Panel.addNarrow(rows, queries, panel, Panel.ROW, 4, queryRows + at, paddedBytes, keyRows + at, paddedBytes);
        }
    }
}
