package org.airelab.train;

/** Seeds of dropout's masks. */
final class DropoutSeed {
    private DropoutSeed() {
    }

    /**
     * A layer's seed in a pass. Run, pass and layer are mixed one by one: of sums, such as seed + passIndex, two runs
     * of neighbouring seeds would share almost all.
     *
     * @param layer -1 for the embedding
     */
    static long of(long seed, long passIndex, int layer) {
        return mix(mix(mix(seed) ^ passIndex) + layer);
    }

    /** SplitMix64's finalizer (Steele et al. 2014). */
    private static long mix(long z) {
        z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
        z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
        return z ^ (z >>> 31);
    }
}
