package org.airelab.evaluate;

import java.util.Arrays;
import java.util.OptionalInt;

/**
 * A sequence of tokens cut into windows in which every token is to be predicted exactly once. The first window predicts
 * all of its targets; each later one starts {@code stride} tokens further and predicts the last {@code stride}, for
 * which the others are context. With a stride of the context's length windows lie side by side, as in training's
 * validation; with a smaller one every token is predicted from more context, at the price of more windows.
 */
final class Windows {
    /** A target that is not to be predicted, as cross-entropy knows it. */
    static final long IGNORED = -100;

    private final DocumentTokens source;
    private final int stride;
    private final long[] buffer;
    private long left;
    private int length;

    /**
     * One window.
     *
     * @param inputs  tokens, at most the context's length
     * @param targets the token after each, or {@link #IGNORED}
     * @param scored  how many targets are to be predicted, the last ones
     */
    record Window(long[] inputs, long[] targets, int scored) {
    }

    /**
     * @param start     a token before the first, so that the first is predicted too; else the first is context only
     * @param maxTokens most tokens to predict
     */
    Windows(DocumentTokens source, OptionalInt start, int contextLength, int stride, long maxTokens) {
        this.source = source;
        this.stride = stride;
        this.buffer = new long[contextLength + 1];
        this.left = maxTokens;
        if (start.isPresent()) {
            buffer[0] = start.getAsInt();
            length = 1;
        } else {
            length = source.read(buffer, 0, 1);
        }
    }

    /** The next window; null after the last. */
    Window next() {
        if (length == buffer.length) {
            System.arraycopy(buffer, stride, buffer, 0, buffer.length - stride);
            length -= stride;
        }
        int scored = source.read(buffer, length, (int) Math.min(buffer.length - length, left));
        left -= scored;
        length += scored;
        if (scored == 0) {
            return null;
        }
        long[] targets = Arrays.copyOfRange(buffer, 1, length);
        Arrays.fill(targets, 0, targets.length - scored, IGNORED);
        return new Window(Arrays.copyOf(buffer, length - 1), targets, scored);
    }
}
