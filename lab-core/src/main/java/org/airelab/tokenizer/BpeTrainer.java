package org.airelab.tokenizer;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.airelab.base.Progress;
import org.airelab.base.UserError;

/**
 * Learns a byte-level BPE {@link Tokenizer} from text: counts the pieces of GPT-2's pre-tokenisation, on several
 * threads, then merges the most frequent pair of adjacent tokens, again and again, until the vocabulary is full.
 * Of equally frequent pairs the lexicographically greatest pair of byte strings is merged.
 *
 * <p>Special tokens split the text and are not counted. Ids: 0 to 255 the bytes as in GPT-2's vocabulary, then one
 * for each merge in its order, then the special tokens in the order given. The result depends on the texts, the
 * vocabulary size and the special tokens alone, not on the number of threads.
 *
 * <p>Memory: the different pieces, about 12 bytes for each of theirs; the text itself is streamed.
 */
public final class BpeTrainer {
    private final int vocabularySize;
    private final List<String> specialTokens;
    private final int threads;
    private final boolean showProgress;

    /** As many threads as there are processors, and no progress line. */
    public BpeTrainer(int vocabularySize, List<String> specialTokens) {
        this(vocabularySize, specialTokens, Runtime.getRuntime().availableProcessors(), false);
    }

    /**
     * @param vocabularySize number of tokens to reach, the special ones included: at least 256 and the special ones
     * @param specialTokens  in the order of their ids; none empty, none twice
     * @param threads        1 or more, for counting pieces
     * @param showProgress   whether to draw a progress line on standard error
     * @throws UserError when the vocabulary is too small or a special token is not allowed
     */
    public BpeTrainer(int vocabularySize, List<String> specialTokens, int threads, boolean showProgress) {
        if (threads < 1) {
            throw new IllegalArgumentException("expected 1 thread or more, found " + threads);
        }
        int least = 256 + specialTokens.size();
        if (vocabularySize < least) {
            throw UserError.badInput("the vocabulary size is " + vocabularySize + ", but the 256 bytes and "
                    + specialTokens.size() + " special tokens alone are " + least,
                    "Give a vocabulary size of " + least + " or more.");
        }
        this.vocabularySize = vocabularySize;
        this.specialTokens = List.copyOf(specialTokens);
        this.threads = threads;
        this.showProgress = showProgress;
        specials();
    }

    /**
     * Trains on files of UTF-8 text, each a text of its own.
     *
     * @return a tokenizer of the vocabulary size asked for, or a smaller one when no pair is left to merge
     */
    public Tokenizer train(List<Path> files) throws IOException {
        long size = 0;
        for (Path file : files) {
            size += Files.size(file);
        }
        WordCounts words;
        try (var progress = progress("counting words", size, "bytes"); var counter = counter(progress)) {
            for (Path file : files) {
                try (InputStream in = Files.newInputStream(file)) {
                    counter.count(in);
                }
            }
            words = counter.finish();
        }
        return learn(words);
    }

    /** Trains on texts, each of its own; result as for {@link #train(List)}. */
    public Tokenizer train(Iterator<? extends CharSequence> texts) {
        WordCounts words;
        try (var progress = progress("counting words", 0, "bytes"); var counter = counter(progress)) {
            while (texts.hasNext()) {
                counter.count(texts.next().toString().getBytes(StandardCharsets.UTF_8));
            }
            words = counter.finish();
        }
        return learn(words);
    }

    private WordCounter counter(Progress progress) {
        return new WordCounter(new SpecialTokens(specials()), threads,
                progress == null ? bytes -> { } : progress::advance);
    }

    private Tokenizer learn(WordCounts words) {
        int most = vocabularySize - 256 - specialTokens.size();
        var learner = new MergeLearner(words);
        try (var progress = progress("learning merges", most, "merges")) {
            learner.learn(most, progress == null ? merges -> { } : progress::update);
        }
        List<byte[]> tokens = learner.tokens();
        Map<String, Integer> ids = LinkedHashMap.newLinkedHashMap(tokens.size());
        for (byte[] token : tokens) {
            ids.put(ByteAlphabet.print(token), ids.size());
        }
        var added = new ArrayList<AddedToken>();
        for (String token : specialTokens) {
            added.add(new AddedToken(tokens.size() + added.size(), token, true));
        }
        return new Tokenizer(Vocabulary.of(ids, added, "the trained vocabulary"), learner.merges());
    }

    /** The special tokens, of which only the contents matter yet. */
    private List<AddedToken> specials() {
        var tokens = new ArrayList<AddedToken>();
        for (String content : specialTokens) {
            if (content.isEmpty() || specialTokens.indexOf(content) != tokens.size()) {
                throw UserError.badInput(content.isEmpty() ? "a special token is empty"
                        : "the special token '" + content + "' is given twice", "Leave it out.");
            }
            if (content.length() == 1 && ByteAlphabet.parse(content).isPresent()) {
                throw UserError.badInput("the special token '" + content + "' is written like a byte's token",
                        "Give one of two characters or more.");
            }
            tokens.add(new AddedToken(tokens.size(), content, true));
        }
        return tokens;
    }

    private Progress progress(String what, long total, String unit) {
        return showProgress ? Progress.on(what, total, unit) : null;
    }
}
