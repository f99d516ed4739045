package org.airelab.tokenizer;

import java.util.Arrays;

/** How often each pair of adjacent tokens occurs, and where. Pairs are numbered in the order they first occur. */
final class PairOccurrences {
    private static final int FIRST_PLACES = 4;

    private final PairTable pairs = new PairTable(1 << 12);
    private final IntList left = new IntList(1 << 12);
    private final IntList right = new IntList(1 << 12);
    private long[] counts = new long[1 << 12];
    private IntList[] places = new IntList[1 << 12];

    /** Number of pairs that occur or once did. */
    int size() {
        return pairs.size();
    }

    int left(int pair) {
        return left.get(pair);
    }

    int right(int pair) {
        return right.get(pair);
    }

    long count(int pair) {
        return counts[pair];
    }

    /** The pair occurs {@code weight} times more, at {@code place}. */
    void add(int leftId, int rightId, long weight, int place) {
        int pair = pairs.indexOrAdd(leftId, rightId);
        if (pair == left.size()) {
            append(leftId, rightId);
        }
        counts[pair] += weight;
        places[pair].add(place);
    }

    /** The pair occurs {@code weight} times less; its place stays listed. */
    void subtract(int leftId, int rightId, long weight) {
        counts[pairs.indexOf(leftId, rightId)] -= weight;
    }

    /** The places where a pair was added, in the order of that. */
    IntList places(int pair) {
        return places[pair];
    }

    /** The pair occurs no more, and never will again. */
    void remove(int pair) {
        counts[pair] = 0;
        places[pair] = null;
    }

    private void append(int leftId, int rightId) {
        int pair = left.size();
        left.add(leftId);
        right.add(rightId);
        if (pair == counts.length) {
            counts = Arrays.copyOf(counts, pair * 2);
            places = Arrays.copyOf(places, pair * 2);
        }
        places[pair] = new IntList(FIRST_PLACES);
    }
}
