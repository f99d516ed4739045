package org.airelab.tokenizer;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.PriorityQueue;
import java.util.function.IntConsumer;

/**
 * Learns merges from word counts: again and again the pair of adjacent tokens that occurs most often, of equally
 * frequent pairs the lexicographically greatest pair of byte strings (first the left strings are compared, then
 * the right ones; bytes are unsigned, and a string comes after its prefixes). A run of n equal tokens counts as
 * n - 1 pairs.
 *
 * <p>Only counts around a merged pair change, and each pair knows its places, so a merge costs what it merges.
 * A place is checked before use, for other merges may have changed it.
 *
 * <p>No token is learned twice: which merges happen within a stretch of bytes that becomes one token depends on
 * those bytes alone. So a pair with a new token is itself new, all its places are found in one merge and in their
 * order, and its count only falls afterwards.
 */
final class MergeLearner {
    private static final int WORD_END = -1;
    private static final int GONE = -2;

    /** A pair and an upper bound of its count: what it was when queued. */
    private record Candidate(long count, int pair) {
    }

    private final List<byte[]> tokens = new ArrayList<>();
    private final Merges merges = new Merges(1 << 12);
    /**
     * All words, {@link #WORD_END} before, between and behind them. A token's id stands at its first and at its
     * last byte, so that both neighbours are found without links; what stands between is meaningless.
     */
    private final int[] symbols;
    private final int[] wordAt;
    private final WordCounts words;
    private final PairOccurrences pairs = new PairOccurrences();
    private final PriorityQueue<Candidate> queue = new PriorityQueue<>(1 << 12, this::compare);

    /** @param words how often each piece occurs */
    MergeLearner(WordCounts words) {
        this.words = words;
        for (int id = 0; id < 256; id++) {
            tokens.add(new byte[] {ByteAlphabet.byteOf(id)});
        }
        int length = words.size() == 0 ? 1 : Math.addExact(words.end(words.size() - 1), words.size() + 1);
        symbols = new int[length];
        wordAt = new int[length];
        layOut();
        countPairs();
    }

    /**
     * Learns merges until there are {@code most} or no pair is left.
     *
     * @param progress told the number of merges after each
     */
    void learn(int most, IntConsumer progress) {
        while (merges.size() < most && !queue.isEmpty()) {
            Candidate best = queue.poll();
            long count = pairs.count(best.pair);
            if (count == best.count) {
                merge(best.pair);
                progress.accept(merges.size());
            } else if (count > 0) {
                queue.add(new Candidate(count, best.pair));
            }
        }
    }

    /** The tokens by id: the 256 bytes as GPT-2 orders them, then one for each merge. */
    List<byte[]> tokens() {
        return tokens;
    }

    Merges merges() {
        return merges;
    }

    private void layOut() {
        int[] byteIds = new int[256];
        for (int id = 0; id < 256; id++) {
            byteIds[ByteAlphabet.byteOf(id) & 0xFF] = id;
        }
        byte[] bytes = words.bytes();
        int at = 0;
        symbols[at++] = WORD_END;
        for (int word = 0; word < words.size(); word++) {
            for (int i = words.start(word); i < words.end(word); i++) {
                wordAt[at] = word;
                symbols[at++] = byteIds[bytes[i] & 0xFF];
            }
            symbols[at++] = WORD_END;
        }
    }

    private void countPairs() {
        for (int at = 1; at < symbols.length - 1; at++) {
            if (symbols[at] != WORD_END && symbols[at + 1] != WORD_END) {
                pairs.add(symbols[at], symbols[at + 1], words.count(wordAt[at]), at);
            }
        }
        enqueueFrom(0);
    }

    private void merge(int pair) {
        int leftId = pairs.left(pair);
        int rightId = pairs.right(pair);
        int mergedId = tokens.size();
        byte[] leftBytes = tokens.get(leftId);
        byte[] rightBytes = tokens.get(rightId);
        byte[] merged = Arrays.copyOf(leftBytes, leftBytes.length + rightBytes.length);
        System.arraycopy(rightBytes, 0, merged, leftBytes.length, rightBytes.length);
        tokens.add(merged);
        merges.add(leftId, rightId, mergedId);

        int known = pairs.size();
        IntList places = pairs.places(pair);
        for (int i = 0; i < places.size(); i++) {
            int start = places.get(i);
            int second = start + leftBytes.length;
            if (symbols[start] == leftId && symbols[second] == rightId) {
                mergeAt(start, second, start + merged.length, leftId, rightId, mergedId);
            }
        }
        pairs.remove(pair);
        enqueueFrom(known);
    }

    /** Queues the pairs numbered {@code first} and up, but those gone again with the neighbour's merge. */
    private void enqueueFrom(int first) {
        for (int pair = first; pair < pairs.size(); pair++) {
            if (pairs.count(pair) > 0) {
                queue.add(new Candidate(pairs.count(pair), pair));
            }
        }
    }

    private void mergeAt(int start, int second, int end, int leftId, int rightId, int mergedId) {
        long weight = words.count(wordAt[start]);
        symbols[second] = GONE;
        symbols[start] = mergedId;
        symbols[end - 1] = mergedId;
        int before = symbols[start - 1];
        if (before != WORD_END) {
            pairs.subtract(before, leftId, weight);
            pairs.add(before, mergedId, weight, start - tokens.get(before).length);
        }
        int after = symbols[end];
        if (after != WORD_END) {
            pairs.subtract(rightId, after, weight);
            pairs.add(mergedId, after, weight, start);
        }
    }

    private int compare(Candidate a, Candidate b) {
        if (a.count != b.count) {
            return Long.compare(b.count, a.count);
        }
        int order = Arrays.compareUnsigned(tokens.get(pairs.left(b.pair)), tokens.get(pairs.left(a.pair)));
        return order != 0 ? order
                : Arrays.compareUnsigned(tokens.get(pairs.right(b.pair)), tokens.get(pairs.right(a.pair)));
    }
}
