package org.airelab.generate;

import java.util.Arrays;
import org.airelab.model.InferenceModel;
import org.airelab.nn.KeyValueCache;

/**
 * The tokens a model looks back on while text grows without end. When the context is full, its older half is
 * forgotten and the newer half read again from position 0: positions stay within what the model has learned, and the
 * cost of reading again, spread over the tokens it makes room for, is one more token each.
 */
final class ContextWindow implements AutoCloseable {
    private final InferenceModel model;
    private final KeyValueCache cache;
    private final long[] tokens;
    private int length;

    ContextWindow(InferenceModel model) {
        this.model = model;
        this.cache = model.cache(1);
        this.tokens = new long[model.config().contextLength()];
    }

    /** Starts with a text, of which a longer one's last {@code contextLength} tokens count; logits of what follows. */
    float[] start(int[] prompt) {
        length = Math.min(prompt.length, tokens.length);
        for (int i = 0; i < length; i++) {
            tokens[i] = prompt[prompt.length - length + i];
        }
        cache.truncate(0);
        return read(0);
    }

    /** Takes in one more token; logits of what follows. */
    float[] append(int token) {
        int read = length;
        if (length == tokens.length) {
            length = (tokens.length - 1) / 2;
            System.arraycopy(tokens, tokens.length - length, tokens, 0, length);
            cache.truncate(0);
            read = 0;
        }
        tokens[length++] = token;
        return read(read);
    }

    private float[] read(int from) {
        return model.next(Arrays.copyOfRange(tokens, from, length), cache, 1)[0];
    }

    @Override
    public void close() {
        cache.close();
    }
}
