package org.airelab.tokenizer;

import java.util.Arrays;

/** A growing list of ints, without boxes. */
final class IntList {
    private int[] values;
    private int size;

    IntList(int capacity) {
        values = new int[capacity];
    }

    int size() {
        return size;
    }

    int get(int index) {
        return values[index];
    }

    void add(int value) {
        if (size == values.length) {
            grow(size + 1);
        }
        values[size++] = value;
    }

    void addAll(int[] source, int count) {
        if (count > values.length - size) {
            grow(Math.addExact(size, count));
        }
        if (count < 8) {
            // Most pieces are a token or two: the loop beats the call.
            for (int i = 0; i < count; i++) {
                values[size + i] = source[i];
            }
        } else {
            System.arraycopy(source, 0, values, size, count);
        }
        size += count;
    }

    void clear() {
        size = 0;
    }

    int[] toArray() {
        return Arrays.copyOf(values, size);
    }

    private void grow(int least) {
        values = Arrays.copyOf(values, (int) Math.min(Integer.MAX_VALUE - 8L, Math.max(least, values.length * 2L)));
    }
}
