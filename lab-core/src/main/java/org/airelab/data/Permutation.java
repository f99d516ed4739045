package org.airelab.data;

import java.util.Objects;
import org.airelab.base.SplitMix64;

/**
 * A pseudorandom permutation of {@code 0 .. size - 1} that needs no memory and gives any element at once: a Feistel
 * network over the smallest even number of bits that holds the size, walked along its cycle until the value is inside
 * (Black and Rogaway, "Ciphers with Arbitrary Finite Domains", CT-RSA 2002, the cycle-walking cipher and the
 * generalized Feistel). Fewer than four steps are expected.
 */
final class Permutation {
    /** Enough that small domains, whose rounds see few bits, are well mixed too. */
    private static final int ROUNDS = 8;

    private final long size;
    private final int halfBits;
    private final long halfMask;
    private final long[] keys = new long[ROUNDS];

    /**
     * A permutation that is a function of its arguments alone.
     *
     * @param size 1 .. 2^62
     */
    Permutation(long size, long key) {
        if (size < 1 || size > 1L << 62) {
            throw new IllegalArgumentException("expected a size of 1 to 2^62, found " + size);
        }
        this.size = size;
        int bits = Math.max(2, Long.SIZE - Long.numberOfLeadingZeros(size - 1));
        halfBits = (bits + 1) / 2;
        halfMask = (1L << halfBits) - 1;
        SplitMix64 random = new SplitMix64(key);
        for (int round = 0; round < ROUNDS; round++) {
            keys[round] = random.nextLong();
        }
    }

    /** Where element {@code index} goes. */
    long apply(long index) {
        Objects.checkIndex(index, size);
        long value = index;
        do {
            value = encrypt(value);
        } while (value >= size);
        return value;
    }

    private long encrypt(long value) {
        long left = value >>> halfBits;
        long right = value & halfMask;
        for (long key : keys) {
            long next = left ^ (SplitMix64.mix(right + key) & halfMask);
            left = right;
            right = next;
        }
        return left << halfBits | right;
    }
}
