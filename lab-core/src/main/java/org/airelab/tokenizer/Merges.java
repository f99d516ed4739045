package org.airelab.tokenizer;

/** The merges in the order they were learned: which pairs of tokens become which token, and which pair first. */
final class Merges {
    private final PairTable pairs;
    private final IntList left;
    private final IntList right;
    private final IntList merged;

    Merges(int expected) {
        pairs = new PairTable(expected);
        left = new IntList(Math.max(1, expected));
        right = new IntList(Math.max(1, expected));
        merged = new IntList(Math.max(1, expected));
    }

    int size() {
        return merged.size();
    }

    /** Appends a merge of the next rank; false, and nothing done, when the pair has one already. */
    boolean add(int leftId, int rightId, int mergedId) {
        if (pairs.indexOrAdd(leftId, rightId) != merged.size()) {
            return false;
        }
        left.add(leftId);
        right.add(rightId);
        merged.add(mergedId);
        return true;
    }

    /** The rank of a pair's merge, 0 the first to apply; -1 when the pair is not merged. */
    int rank(int leftId, int rightId) {
        return pairs.indexOf(leftId, rightId);
    }

    int left(int rank) {
        return left.get(rank);
    }

    int right(int rank) {
        return right.get(rank);
    }

    /** The token a pair becomes. */
    int merged(int rank) {
        return merged.get(rank);
    }
}
