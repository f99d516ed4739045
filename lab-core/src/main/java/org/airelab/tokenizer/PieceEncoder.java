package org.airelab.tokenizer;

import java.util.Arrays;

/**
 * Merges one piece after another into token ids: of all adjacent pairs the one whose merge was learned first,
 * the leftmost of equals, until no pair has a merge. Keeps scratch space, so one thread at a time.
 */
final class PieceEncoder {
    /** Up to this many bytes looking at every pair for each merge is faster than a heap. */
    private static final int LONGEST_SCANNED = 100;
    private static final int NO_MERGE = Integer.MAX_VALUE;

    private final int[] byteIds;
    private final Merges merges;
    private final int[] ids = new int[LONGEST_SCANNED];
    private final int[] ranks = new int[LONGEST_SCANNED];

    /** @param byteIds the token id of each byte, by the byte as an unsigned number */
    PieceEncoder(int[] byteIds, Merges merges) {
        this.byteIds = byteIds;
        this.merges = merges;
    }

    /** The ids of the piece {@code text[from .. end)}. */
    int[] encode(byte[] text, int from, int end) {
        return end - from <= LONGEST_SCANNED ? scanning(text, from, end) : new LongPiece(text, from, end).ids();
    }

    /** O(n^2) for n bytes, with a small constant. */
    private int[] scanning(byte[] text, int from, int end) {
        int count = end - from;
        for (int i = 0; i < count; i++) {
            ids[i] = byteIds[text[from + i] & 0xFF];
        }
        for (int i = 0; i < count - 1; i++) {
            ranks[i] = rank(ids[i], ids[i + 1]);
        }
        while (count > 1) {
            int first = firstMerge(count - 1);
            if (ranks[first] == NO_MERGE) {
                break;
            }
            ids[first] = merges.merged(ranks[first]);
            count--;
            System.arraycopy(ids, first + 2, ids, first + 1, count - first - 1);
            System.arraycopy(ranks, first + 1, ranks, first, count - first - 1);
            if (first > 0) {
                ranks[first - 1] = rank(ids[first - 1], ids[first]);
            }
            if (first < count - 1) {
                ranks[first] = rank(ids[first], ids[first + 1]);
            }
        }
        return Arrays.copyOf(ids, count);
    }

    private int firstMerge(int pairs) {
        int first = 0;
        for (int i = 1; i < pairs; i++) {
            if (ranks[i] < ranks[first]) {
                first = i;
            }
        }
        return first;
    }

    private int rank(int left, int right) {
        int rank = merges.rank(left, right);
        return rank < 0 ? NO_MERGE : rank;
    }

    /** O(n log n) for n bytes: a heap of the pairs that have a merge, by rank, then by place. */
    private final class LongPiece {
        private static final int GONE = -1;

        private final int[] idAt;
        private final int[] next;
        private final int[] previous;
        private final LongHeap heap;

        LongPiece(byte[] text, int from, int end) {
            int count = end - from;
            idAt = new int[count];
            next = new int[count];
            previous = new int[count];
            heap = new LongHeap(count);
            for (int i = 0; i < count; i++) {
                idAt[i] = byteIds[text[from + i] & 0xFF];
                next[i] = i + 1;
                previous[i] = i - 1;
            }
            for (int i = 0; i < count - 1; i++) {
                offer(i);
            }
        }

        int[] ids() {
            int count = idAt.length;
            while (!heap.isEmpty()) {
                long candidate = heap.poll();
                if (merge((int) candidate, (int) (candidate >>> 32))) {
                    count--;
                }
            }
            int[] result = new int[count];
            int at = 0;
            for (int i = 0; i < count; i++) {
                result[i] = idAt[at];
                at = next[at];
            }
            return result;
        }

        /** Merges the token at {@code at} with the next; false when other merges have changed the pair meanwhile. */
        private boolean merge(int at, int rank) {
            int second = next[at];
            if (idAt[at] == GONE || second == idAt.length || merges.rank(idAt[at], idAt[second]) != rank) {
                return false;
            }
            idAt[at] = merges.merged(rank);
            idAt[second] = GONE;
            next[at] = next[second];
            if (next[at] < idAt.length) {
                previous[next[at]] = at;
                offer(at);
            }
            if (previous[at] >= 0) {
                offer(previous[at]);
            }
            return true;
        }

        private void offer(int at) {
            int rank = merges.rank(idAt[at], idAt[next[at]]);
            if (rank >= 0) {
                heap.add((long) rank << 32 | at);
            }
        }
    }
}
