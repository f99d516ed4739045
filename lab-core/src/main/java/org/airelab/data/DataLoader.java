package org.airelab.data;

import java.util.Locale;
import org.airelab.base.UserError;

/**
 * Batches of windows of a dataset. Sample number {@code s}, counted from 0 over all epochs, is a pure function of
 * (dataset, context length, seed, s): several ranks that take their parts of the same samples see together what one
 * rank sees, and a resumed run continues at any sample without reading what came before.
 */
public final class DataLoader implements AutoCloseable {
    private final TokenDataset dataset;
    private final int contextLength;
    private final WindowOrder order;
    private final boolean endless;
    private Prefetcher prefetcher;

    /** Shuffled windows, epoch after epoch. */
    public DataLoader(TokenDataset dataset, int contextLength, long seed) {
        this(dataset, contextLength, new WindowOrder.Shuffled(dataset.size(), contextLength, seed), true);
    }

    private DataLoader(TokenDataset dataset, int contextLength, WindowOrder order, boolean endless) {
        if (contextLength < 1) {
            throw new IllegalArgumentException("expected a positive context length, found " + contextLength);
        }
        if (dataset.size() <= contextLength) {
            throw UserError.badInput(String.format(Locale.ROOT,
                    "the %s data has %,d tokens, fewer than one window of context length %,d + 1",
                    dataset.split() == Split.TRAIN ? "training" : "validation", dataset.size(), contextLength),
                    "Use more data, or a shorter context.");
        }
        this.dataset = dataset;
        this.contextLength = contextLength;
        this.order = order;
        this.endless = endless;
    }

    /** For validation: one epoch of windows side by side, in the order of the text. */
    public static DataLoader sequential(TokenDataset dataset, int contextLength) {
        return new DataLoader(dataset, contextLength, new WindowOrder.Sequential(dataset.size(), contextLength), false);
    }

    /** Tokens a sample predicts. */
    public int contextLength() {
        return contextLength;
    }

    /** Samples in one pass over the data, at least 1. */
    public long samplesPerEpoch() {
        return order.samplesPerEpoch();
    }

    /** The epoch of a sample, from 0. */
    public long epoch(long sample) {
        return sample / samplesPerEpoch();
    }

    /**
     * Samples {@code firstSample .. firstSample + batchSize - 1}, a row each. Any thread may call this.
     *
     * @throws IllegalArgumentException of a sequential loader, for samples from {@link #samplesPerEpoch()} on
     */
    public TokenBatch batch(long firstSample, int batchSize) {
        if (firstSample < 0 || batchSize < 1 || !endless && firstSample + batchSize > samplesPerEpoch()) {
            throw new IllegalArgumentException("expected samples within 0 .. "
                    + (endless ? "2^63" : Long.toString(samplesPerEpoch())) + ", found " + batchSize + " from "
                    + firstSample);
        }
        long[] inputs = new long[Math.multiplyExact(batchSize, contextLength)];
        long[] targets = new long[inputs.length];
        for (int row = 0; row < batchSize; row++) {
            long position = order.position(firstSample + row);
            int begin = row * contextLength;
            int last = begin + contextLength - 1;
            dataset.copy(position, contextLength, inputs, begin);
            System.arraycopy(inputs, begin + 1, targets, begin, contextLength - 1);
            dataset.copy(position + contextLength, 1, targets, last);
        }
        return new TokenBatch(batchSize, contextLength, inputs, targets);
    }

    /**
     * Lets a background thread prepare the batches that begin at {@code firstSample}, {@code firstSample + stride},
     * {@code firstSample + 2 stride} ...; {@link #next()} takes them. Starting again begins anew elsewhere.
     *
     * @param stride samples between two batches: of N ranks that take {@code batchSize} each, {@code N * batchSize}
     */
    public void prefetch(long firstSample, int batchSize, long stride) {
        stopPrefetching();
        prefetcher = new Prefetcher(this, firstSample, batchSize, stride);
    }

    /** The next prefetched batch, waiting for it if need be. One thread calls this. */
    public TokenBatch next() {
        if (prefetcher == null) {
            throw new IllegalStateException("next() needs prefetch() first");
        }
        return prefetcher.next();
    }

    private void stopPrefetching() {
        if (prefetcher != null) {
            prefetcher.close();
            prefetcher = null;
        }
    }

    /** Stops prefetching; the dataset stays open. */
    @Override
    public void close() {
        stopPrefetching();
    }
}
