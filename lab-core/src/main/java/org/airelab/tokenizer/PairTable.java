package org.airelab.tokenizer;

import java.util.Arrays;

/** Numbers pairs of token ids 0, 1, 2 ... in the order they are added: a hash table by open addressing. */
final class PairTable {
    private static final long EMPTY = -1;
    /** 2^64 over the golden ratio (Knuth, The Art of Computer Programming 3, section 6.4). */
    private static final long GOLDEN = 0x9E3779B97F4A7C15L;

    private long[] keys;
    private int[] indices;
    private int shift;
    private int size;

    PairTable(int expected) {
        allocate(Math.max(4, Math.ceilDiv(expected, 2) * 4));
    }

    int size() {
        return size;
    }

    /** The number of a pair, or -1. */
    int indexOf(int left, int right) {
        int slot = slot((long) left << 32 | right);
        return keys[slot] == EMPTY ? -1 : indices[slot];
    }

    /** The number of a pair, which is {@link #size} before the call when the pair is new. */
    int indexOrAdd(int left, int right) {
        long key = (long) left << 32 | right;
        int slot = slot(key);
        if (keys[slot] != EMPTY) {
            return indices[slot];
        }
        if (size >= keys.length / 2) {
            long[] old = keys;
            int[] oldIndices = indices;
            allocate(keys.length * 2);
            for (int i = 0; i < old.length; i++) {
                if (old[i] != EMPTY) {
                    put(slot(old[i]), old[i], oldIndices[i]);
                }
            }
            slot = slot(key);
        }
        put(slot, key, size);
        return size++;
    }

    private void put(int slot, long key, int index) {
        keys[slot] = key;
        indices[slot] = index;
    }

    private int slot(long key) {
        int slot = (int) (key * GOLDEN >>> shift);
        while (keys[slot] != key && keys[slot] != EMPTY) {
            slot = slot + 1 & keys.length - 1;
        }
        return slot;
    }

    private void allocate(int least) {
        int bits = 32 - Integer.numberOfLeadingZeros(least - 1);
        keys = new long[1 << bits];
        Arrays.fill(keys, EMPTY);
        indices = new int[1 << bits];
        shift = 64 - bits;
    }
}
