package org.airelab.base;

/**
 * The generator of Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators" (OOPSLA 2014), written
 * out so that its numbers are the same on every Java release: data order and synthetic data depend on them.
 */
public final class SplitMix64 {
    /** The golden ratio's odd 64-bit fraction: the distance between two states. */
    private static final long GAMMA = 0x9E3779B97F4A7C15L;

    private long state;

    /** A generator whose numbers are a function of {@code seed} alone. */
    public SplitMix64(long seed) {
        state = seed;
    }

    /** The generator of one element of a sequence: those of different elements or seeds are unrelated. */
    public static SplitMix64 of(long seed, long element) {
        return new SplitMix64(mix(mix(seed + GAMMA) + element));
    }

    /** The next 64 random bits. */
    public long nextLong() {
        state += GAMMA;
        return mix(state);
    }

    /** Uniform on [0, 1), with 53 random bits. */
    public double nextDouble() {
        return (nextLong() >>> 11) * 0x1.0p-53;
    }

    /** A bijection of the 64-bit words in which every input bit reaches every output bit (Stafford's variant 13). */
    public static long mix(long z) {
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }
}
