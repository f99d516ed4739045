package org.airelab.data;

import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Locale;

/** How a token id is stored: an unsigned integer, its least significant byte first. */
public enum TokenType {
    /** Two bytes: vocabularies up to 65,536. */
    UINT16(2),
    /** Four bytes. */
    UINT32(4);

    private final int bytes;

    TokenType(int bytes) {
        this.bytes = bytes;
    }

    /** The narrowest type for ids below {@code vocabularySize}. */
    public static TokenType of(int vocabularySize) {
        if (vocabularySize <= 0) {
            throw new IllegalArgumentException("expected a positive vocabulary size, found " + vocabularySize);
        }
        return vocabularySize <= 1 << 16 ? UINT16 : UINT32;
    }

    /** Bytes a token. */
    public int bytes() {
        return bytes;
    }

    /** NumPy's name: {@code uint16}, {@code uint32}. */
    @JsonValue
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
