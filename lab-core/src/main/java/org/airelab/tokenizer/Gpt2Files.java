package org.airelab.tokenizer;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Reads the two files GPT-2 was published with: {@code vocab.json} (or {@code encoder.json}), ids by token, and
 * {@code merges.txt} (or {@code vocab.bpe}), one merge a line in the order they were learned.
 */
final class Gpt2Files {
    private Gpt2Files() {
    }

    /** A tokenizer of the two files; special tokens the vocabulary lacks get the ids after its last. */
    static Tokenizer read(Path vocabJson, Path mergesTxt, List<String> specialTokens) throws IOException {
        String source = vocabJson.toString();
        Map<String, Integer> ids = JsonFiles.ids(JsonFiles.parseObject(Files.readAllBytes(vocabJson), source), source);
        var added = new ArrayList<AddedToken>();
        int free = ids.size();
        for (String token : specialTokens) {
            Integer known = ids.get(token);
            added.add(new AddedToken(known != null ? known : free++, token, true));
        }
        return new Tokenizer(Vocabulary.of(ids, added, source),
                new MergesReader(ids, mergesTxt.toString()).read(merges(mergesTxt)));
    }

    private static List<String[]> merges(Path mergesTxt) throws IOException {
        var merges = new ArrayList<String[]>();
        for (String line : new String(Files.readAllBytes(mergesTxt), StandardCharsets.UTF_8).split("\r?\n")) {
            if (!line.isEmpty() && !line.startsWith("#version")) {
                merges.add(line.split(" ", -1));
            }
        }
        return merges;
    }
}
