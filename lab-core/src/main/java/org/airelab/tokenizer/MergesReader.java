package org.airelab.tokenizer;

import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** Makes merges of the names files write them with. */
final class MergesReader {
    private final Map<String, Integer> ids;
    private final String source;

    /**
     * @param ids    ids by name, as the files have them
     * @param source what the merges were read from, for error messages
     */
    MergesReader(Map<String, Integer> ids, String source) {
        this.ids = ids;
        this.source = source;
    }

    /** @param pairs the names of the two tokens of each merge, in the order of their ranks */
    Merges read(List<String[]> pairs) {
        var merges = new Merges(pairs.size());
        for (String[] pair : pairs) {
            if (pair.length != 2 || pair[0].isEmpty() || pair[1].isEmpty()) {
                throw bad(pair, "is not a pair of tokens");
            }
            if (!merges.add(id(pair, pair[0]), id(pair, pair[1]), id(pair, pair[0] + pair[1]))) {
                throw bad(pair, "stands there twice");
            }
        }
        return merges;
    }

    private int id(String[] pair, String token) {
        Integer id = ids.get(token);
        if (id == null) {
            throw bad(pair, "needs the token '" + token + "', which is not in the vocabulary");
        }
        return id;
    }

    private RuntimeException bad(String[] pair, String what) {
        return JsonFiles.malformed(source, "the merge " + Arrays.toString(pair) + " " + what);
    }
}
