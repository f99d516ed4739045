package org.airelab.tokenizer;

import java.util.Arrays;

/**
 * Remembers the ids of pieces: most of a text is few words. One slot for each hash, the newcomer takes it, so
 * the memory is bounded. Safe for any number of threads without a lock: a slot holds one immutable entry, and a
 * thread that reads an older one only merges a piece once more.
 */
final class PieceCache {
    private static final int SLOT_BITS = 16;
    /** Longer pieces are rare and would make the cache large. */
    private static final int LONGEST_PIECE = 64;

    private record Entry(byte[] piece, int[] ids) {
    }

    private final Entry[] slots = new Entry[1 << SLOT_BITS];

    /** The ids of a piece, or null when it is not remembered. The array is shared: read it only. */
    int[] get(byte[] text, int from, int end) {
        if (end - from > LONGEST_PIECE) {
            return null;
        }
        Entry entry = slots[slot(text, from, end)];
        return entry != null && same(entry.piece, text, from, end) ? entry.ids : null;
    }

    /** Remembers the ids of a piece. */
    void put(byte[] text, int from, int end, int[] ids) {
        if (end - from <= LONGEST_PIECE) {
            slots[slot(text, from, end)] = new Entry(Arrays.copyOfRange(text, from, end), ids);
        }
    }

    private static boolean same(byte[] piece, byte[] text, int from, int end) {
        int length = piece.length;
        if (length != end - from) {
            return false;
        }
        // Pieces are short: the loop beats the call of Arrays.equals.
        for (int i = 0; i < length; i++) {
            if (piece[i] != text[from + i]) {
                return false;
            }
        }
        return true;
    }

    private static int slot(byte[] text, int from, int end) {
        return ByteHash.of(text, from, end) >>> 32 - SLOT_BITS;
    }
}
