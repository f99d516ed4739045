package org.airelab.tokenizer;

import java.util.Arrays;

/** How often each piece ("word") occurs: a hash table by open addressing over one growing array of bytes. */
final class WordCounts {
    private byte[] bytes = new byte[1 << 16];
    /** Word i is bytes[starts[i] .. starts[i + 1]). */
    private int[] starts = new int[1 << 12];
    private long[] counts = new long[1 << 12];
    private int[] hashes = new int[1 << 12];
    /** Word number + 1, or 0. */
    private int[] slots = new int[1 << 13];
    private int size;

    int size() {
        return size;
    }

    /** The array all words stand in, without gaps; not a copy. */
    byte[] bytes() {
        return bytes;
    }

    int start(int word) {
        return starts[word];
    }

    int end(int word) {
        return starts[word + 1];
    }

    long count(int word) {
        return counts[word];
    }

    /** Counts the word {@code text[from .. end)} {@code times} more. */
    void add(byte[] text, int from, int end, long times) {
        int hash = ByteHash.of(text, from, end);
        int slot = hash >>> hashShift();
        while (slots[slot] != 0) {
            int word = slots[slot] - 1;
            if (hashes[word] == hash && Arrays.equals(bytes, starts[word], starts[word + 1], text, from, end)) {
                counts[word] += times;
                return;
            }
            slot = slot + 1 & slots.length - 1;
        }
        append(text, from, end, hash, times);
        slots[slot] = size;
        if (size > slots.length / 2) {
            rehash();
        }
    }

    /** Adds another table's counts. */
    void addAll(WordCounts other) {
        for (int word = 0; word < other.size; word++) {
            add(other.bytes, other.starts[word], other.starts[word + 1], other.counts[word]);
        }
    }

    private void append(byte[] text, int from, int end, int hash, long times) {
        if (size + 1 == starts.length) {
            starts = Arrays.copyOf(starts, size * 2);
            counts = Arrays.copyOf(counts, size * 2);
            hashes = Arrays.copyOf(hashes, size * 2);
        }
        int start = starts[size];
        int length = end - from;
        // More than 2^31 bytes of different words: no array holds them, and the sum fails loudly.
        int newEnd = Math.addExact(start, length);
        if (newEnd > bytes.length) {
            bytes = Arrays.copyOf(bytes, (int) Math.min(Integer.MAX_VALUE - 8L, Math.max(newEnd, bytes.length * 2L)));
        }
        System.arraycopy(text, from, bytes, start, length);
        hashes[size] = hash;
        counts[size] = times;
        starts[++size] = newEnd;
    }

    private void rehash() {
        slots = new int[slots.length * 2];
        for (int word = 0; word < size; word++) {
            int slot = hashes[word] >>> hashShift();
            while (slots[slot] != 0) {
                slot = slot + 1 & slots.length - 1;
            }
            slots[slot] = word + 1;
        }
    }

    private int hashShift() {
        return Integer.numberOfLeadingZeros(slots.length) + 1;
    }
}
