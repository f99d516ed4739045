package org.airelab.data;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

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

    /**
     * The rows in batches of {@code rows} rows each, in their order.
     *
     * @throws IllegalArgumentException when the rows cannot be divided so
     */
    public List<TokenBatch> cut(int rows) {
        if (rows < 1 || batchSize % rows != 0) {
            throw new IllegalArgumentException("expected a number of rows that divides " + batchSize + ", found "
                    + rows);
        }
        int size = rows * contextLength;
        List<TokenBatch> cut = new ArrayList<>();
        for (int from = 0; from < inputs.length; from += size) {
            cut.add(new TokenBatch(rows, contextLength, Arrays.copyOfRange(inputs, from, from + size),
                    Arrays.copyOfRange(targets, from, from + size)));
        }
        return cut;
    }
}
