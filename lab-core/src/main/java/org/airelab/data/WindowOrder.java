package org.airelab.data;

import org.airelab.base.SplitMix64;

/** Which stretch of {@code contextLength + 1} tokens is which sample. */
sealed interface WindowOrder {
    /** Samples until each part of the data was seen once. */
    long samplesPerEpoch();

    /** The first token of a sample's window. */
    long position(long sample);

    /** Windows side by side from the first token on; what is left at the end is too short for one. */
    record Sequential(long tokens, int contextLength) implements WindowOrder {
        @Override
        public long samplesPerEpoch() {
            return (tokens - 1) / contextLength;
        }

        @Override
        public long position(long sample) {
            return sample * contextLength;
        }
    }

    /**
     * Windows side by side in a random order, another one each epoch, over a grid that begins at another token each
     * epoch, so that the model sees other windows of the same data. Each epoch has the same number of samples.
     */
    record Shuffled(long tokens, int contextLength, long seed) implements WindowOrder {
        @Override
        public long samplesPerEpoch() {
            return Math.max(1, (tokens - contextLength) / contextLength);
        }

        @Override
        public long position(long sample) {
            long windows = samplesPerEpoch();
            SplitMix64 random = SplitMix64.of(seed, sample / windows);
            long begins = Math.min(contextLength, tokens - windows * contextLength);
            long begin = (long) (random.nextDouble() * begins);
            return begin + new Permutation(windows, random.nextLong()).apply(sample % windows) * contextLength;
        }
    }
}
