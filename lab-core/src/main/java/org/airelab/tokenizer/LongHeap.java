package org.airelab.tokenizer;

import java.util.Arrays;

/** A binary heap of longs, the least first, without boxes. */
final class LongHeap {
    private long[] values;
    private int size;

    LongHeap(int capacity) {
        values = new long[Math.max(1, capacity)];
    }

    boolean isEmpty() {
        return size == 0;
    }

    void add(long value) {
        if (size == values.length) {
            values = Arrays.copyOf(values, (int) Math.min(Integer.MAX_VALUE - 8L, size * 2L));
        }
        int at = size++;
        while (at > 0 && values[at - 1 >>> 1] > value) {
            values[at] = values[at - 1 >>> 1];
            at = at - 1 >>> 1;
        }
        values[at] = value;
    }

    /** Removes and returns the least value. */
    long poll() {
        long least = values[0];
        long moved = values[--size];
        int at = 0;
        for (int child = 1; child < size; child = 2 * at + 1) {
            if (child + 1 < size && values[child + 1] < values[child]) {
                child++;
            }
            if (values[child] >= moved) {
                break;
            }
            values[at] = values[child];
            at = child;
        }
        values[at] = moved;
        return least;
    }
}
