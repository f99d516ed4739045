package org.airelab.data;

/**
 * Samples of one step.
 *
 * @param batchSize     rows
 * @param contextLength columns
 * @param inputs        token ids, row-major {@code [batchSize, contextLength]}
 * @param targets       the token after each input, the same shape
 */
public record TokenBatch(int batchSize, int contextLength, long[] inputs, long[] targets) {
    /** Checks the lengths. */
    public TokenBatch {
        int expected = Math.multiplyExact(batchSize, contextLength);
        if (inputs.length != expected || targets.length != expected) {
            throw new IllegalArgumentException("expected " + expected + " inputs and targets, found " + inputs.length
                    + " and " + targets.length);
        }
    }
}
