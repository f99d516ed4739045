package org.airelab.evaluate;

import java.io.IOException;
import java.util.Iterator;
import java.util.OptionalInt;
import java.util.stream.Stream;
import org.airelab.data.source.Documents;
import org.airelab.tokenizer.Tokenizer;

/**
 * Documents as one sequence of tokens, {@link Tokenizer#END_OF_TEXT} after each, as in training. A tokenizer without
 * that token gives the documents one right after another.
 */
final class DocumentTokens implements AutoCloseable {
    private final Tokenizer tokenizer;
    private final OptionalInt end;
    private final Stream<String> stream;
    private final Iterator<String> documents;
    private int[] current = {};
    private int at;
    private boolean endDue;
    private long finished;

    DocumentTokens(Documents documents, Tokenizer tokenizer) throws IOException {
        this.tokenizer = tokenizer;
        this.end = tokenizer.specialId(Tokenizer.END_OF_TEXT);
        this.stream = documents.stream();
        this.documents = stream.iterator();
    }

    /** Reads up to {@code length} tokens; fewer only at the end of the text. */
    int read(long[] target, int offset, int length) {
        int count = 0;
        while (count < length && available()) {
            if (at < current.length) {
                target[offset + count] = current[at++];
            } else {
                target[offset + count] = end.getAsInt();
                endDue = false;
            }
            count++;
            if (at == current.length && !endDue) {
                finished++;
            }
        }
        return count;
    }

    private boolean available() {
        while (at == current.length && !endDue && documents.hasNext()) {
            current = tokenizer.encode(documents.next());
            at = 0;
            endDue = end.isPresent();
        }
        return at < current.length || endDue;
    }

    /** Documents read to their end. */
    long finished() {
        return finished;
    }

    /** Whether everything was read. */
    boolean exhausted() {
        return !available();
    }

    @Override
    public void close() {
        stream.close();
    }
}
