package org.airelab.data;

/**
 * Sequences to learn from, row-major [batchSize, contextLength].
 *
 * @param batchSize     number of sequences
 * @param contextLength tokens of each
 * @param inputs        token ids
 * @param targets       the token that follows each input
 */
public record TokenBatch(int batchSize, int contextLength, long[] inputs, long[] targets) {
}
