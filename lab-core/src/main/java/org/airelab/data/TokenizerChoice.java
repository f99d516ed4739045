package org.airelab.data;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import org.airelab.base.UserError;
import org.airelab.tokenizer.BpeTrainer;
import org.airelab.tokenizer.Tokenizer;

/** Which tokenizer the data is prepared with. */
public sealed interface TokenizerChoice {
    /** What stands for the choice in the key of the prepared folder. */
    String identity() throws IOException;

    /** The tokenizer. */
    Tokenizer tokenizer(Iterator<String> trainingDocuments) throws IOException;

    /**
     * A byte-level BPE learned from the training documents.
     *
     * @param vocabularySize 257 (the bytes and end-of-text) or more; a small text may have no use for all
     */
    record Train(long vocabularySize) implements TokenizerChoice {
        private static final long LEAST = 257;
        private static final long MOST = Integer.MAX_VALUE;

        /** @throws UserError if the size is out of range */
        public Train {
            if (vocabularySize < LEAST || vocabularySize > MOST) {
                throw UserError.badInput(String.format(Locale.ROOT,
                        "the vocabulary size %,d is not within %,d (256 bytes and end-of-text) and %,d (token ids are "
                        + "stored as uint16 or uint32 and held as int)", vocabularySize, LEAST, MOST),
                        "Give a size in this range; 512 to 65536 is usual.");
            }
        }

        @Override
        public String identity() {
            return "bpe-" + vocabularySize;
        }

        @Override
        public Tokenizer tokenizer(Iterator<String> trainingDocuments) {
            return new BpeTrainer((int) vocabularySize, List.of(Tokenizer.END_OF_TEXT),
                    Runtime.getRuntime().availableProcessors(), true).train(trainingDocuments);
        }
    }

    /**
     * One that exists.
     *
     * @param tokenizerJson it must have the token {@value Tokenizer#END_OF_TEXT}
     */
    record Existing(Path tokenizerJson) implements TokenizerChoice {
        @Override
        public String identity() throws IOException {
            return load().hash();
        }

        @Override
        public Tokenizer tokenizer(Iterator<String> trainingDocuments) throws IOException {
            return load();
        }

        private Tokenizer load() throws IOException {
            if (!Files.isRegularFile(tokenizerJson)) {
                throw UserError.badInput("there is no tokenizer file " + tokenizerJson,
                        "Give the path of a tokenizer.json, or --vocab-size to learn one from the data.");
            }
            Tokenizer tokenizer = Tokenizer.load(tokenizerJson);
            if (tokenizer.specialId(Tokenizer.END_OF_TEXT).isEmpty()) {
                throw UserError.badInput("the tokenizer " + tokenizerJson + " has no token " + Tokenizer.END_OF_TEXT
                        + "; its special tokens are " + tokenizer.specialTokens(),
                        "Train one with 'lab tokenizer train', without --special and --no-special.");
            }
            return tokenizer;
        }
    }
}
