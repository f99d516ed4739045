package org.airelab.data;

import java.util.Arrays;
import java.util.function.LongConsumer;
import java.util.stream.LongStream;
import org.airelab.base.SplitMix64;
import org.airelab.base.UserError;

/** Looks in token shards, whoever wrote them, for validation documents that are training documents too. */
final class LeakageCheck {
    private static final int BLOCK = 1 << 16;

    private LeakageCheck() {
    }

    /** How many documents of {@code validation} appear, token for token, in {@code train}. */
    static long leaked(TokenDataset train, TokenDataset validation) {
        LongStream.Builder builder = LongStream.builder();
        forEachDocument(validation, builder::add);
        long[] documents = builder.build().sorted().toArray();
        boolean[] found = new boolean[documents.length];
        forEachDocument(train, document -> mark(documents, document, found));
        long leaked = 0;
        for (boolean one : found) {
            leaked += one ? 1 : 0;
        }
        return leaked;
    }

    private static void mark(long[] documents, long document, boolean[] found) {
        int hit = Arrays.binarySearch(documents, document);
        if (hit < 0 || found[hit]) {
            return;
        }
        for (int i = hit; i < documents.length && documents[i] == document; i++) {
            found[i] = true;
        }
        for (int i = hit; i >= 0 && documents[i] == document; i--) {
            found[i] = true;
        }
    }

    /**
     * Passes a 64-bit hash of each document's tokens; returns how many documents there are.
     *
     * @throws UserError if a token is no token of the vocabulary, or the last document has no end
     */
    static long forEachDocument(TokenDataset dataset, LongConsumer document) {
        int vocabularySize = dataset.manifest().vocabularySize();
        int endOfText = dataset.manifest().endOfText();
        long[] block = new long[BLOCK];
        long hash = 0;
        long documents = 0;
        long token = endOfText;
        for (long position = 0; position < dataset.size(); position += BLOCK) {
            int count = (int) Math.min(BLOCK, dataset.size() - position);
            dataset.copy(position, count, block, 0);
            for (int i = 0; i < count; i++) {
                token = block[i];
                if (token >= vocabularySize) {
                    throw UserError.failed("token " + (position + i) + " is " + token + ", outside the vocabulary of "
                            + vocabularySize, "Delete the folder and prepare the data again with 'lab data prepare'.");
                }
                hash = SplitMix64.mix(hash + token + 1);
                if (token == endOfText) {
                    document.accept(hash);
                    documents++;
                    hash = 0;
                }
            }
        }
        if (token != endOfText) {
            throw UserError.failed("the last document has no end-of-text token",
                    "Delete the folder and prepare the data again with 'lab data prepare'.");
        }
        return documents;
    }
}
