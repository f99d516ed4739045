package org.airelab.tokenizer;

/** A fast hash of a few bytes, of which the upper bits are the best mixed. */
final class ByteHash {
    private ByteHash() {
    }

    /** The hash of {@code text[from .. end)}: polynomial, then multiplied by 2^32 over the golden ratio. */
    static int of(byte[] text, int from, int end) {
        int hash = end - from;
        for (int i = from; i < end; i++) {
            hash = hash * 0x01000193 + text[i];
        }
        return (hash ^ hash >>> 15) * 0x9E3779B9;
    }
}
