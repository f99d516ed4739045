package org.airelab.tokenizer;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * BPE as its definition reads, recounting everything at every merge. Byte strings are Latin-1 strings, whose order
 * is that of unsigned bytes.
 */
final class NaiveBpe {
    record Pair(String left, String right) {
    }

    private NaiveBpe() {
    }

    /** The merges learned from texts without special tokens. */
    static List<Pair> learn(List<byte[]> texts, int most) {
        var words = new HashMap<List<String>, Long>();
        for (byte[] text : texts) {
            int from = 0;
            for (int end : PieceScannerTest.ends(text)) {
                var word = new ArrayList<String>();
                new String(text, from, end - from, ISO_8859_1).chars().forEach(c -> word.add(Character.toString(c)));
                words.merge(word, 1L, Long::sum);
                from = end;
            }
        }
        var merges = new ArrayList<Pair>();
        while (merges.size() < most) {
            var counts = new HashMap<Pair, Long>();
            words.forEach((word, count) -> {
                for (int i = 0; i + 1 < word.size(); i++) {
                    counts.merge(new Pair(word.get(i), word.get(i + 1)), count, Long::sum);
                }
            });
            if (counts.isEmpty()) {
                break;
            }
            Pair best = counts.entrySet().stream().max(Map.Entry.<Pair, Long>comparingByValue()
                    .thenComparing(entry -> entry.getKey().left).thenComparing(entry -> entry.getKey().right))
                    .orElseThrow().getKey();
            merges.add(best);
            var merged = new HashMap<List<String>, Long>();
            words.forEach((word, count) -> merged.merge(apply(word, best), count, Long::sum));
            words.clear();
            words.putAll(merged);
        }
        return merges;
    }

    /** The tokens of one piece: the merge of the lowest rank first, the leftmost of equals. */
    static List<String> encode(byte[] piece, List<Pair> merges) {
        List<String> word = new ArrayList<>();
        new String(piece, ISO_8859_1).chars().forEach(c -> word.add(Character.toString(c)));
        while (true) {
            int best = -1;
            int bestRank = Integer.MAX_VALUE;
            for (int i = 0; i + 1 < word.size(); i++) {
                int rank = merges.indexOf(new Pair(word.get(i), word.get(i + 1)));
                if (rank >= 0 && rank < bestRank) {
                    best = i;
                    bestRank = rank;
                }
            }
            if (best < 0) {
                return word;
            }
            word.set(best, word.get(best) + word.remove(best + 1));
        }
    }

    private static List<String> apply(List<String> word, Pair pair) {
        var result = new ArrayList<String>();
        for (int i = 0; i < word.size(); i++) {
            if (i + 1 < word.size() && word.get(i).equals(pair.left) && word.get(i + 1).equals(pair.right)) {
                result.add(pair.left + pair.right);
                i++;
            } else {
                result.add(word.get(i));
            }
        }
        return result;
    }
}
