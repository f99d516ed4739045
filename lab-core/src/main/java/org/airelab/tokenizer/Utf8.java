package org.airelab.tokenizer;

/** Code points within UTF-8 bytes that may be malformed. */
final class Utf8 {
    /** What {@link #codePoint} returns where no well-formed code point starts. */
    static final int MALFORMED = -1;
    /** Bytes of the longest code point. */
    static final int LONGEST = 4;

    private Utf8() {
    }

    /**
     * The code point that starts at {@code at} and ends before {@code limit}, or {@link #MALFORMED}: a stray
     * continuation byte, a sequence cut short, an overlong form, a surrogate, or a value above U+10FFFF
     * (The Unicode Standard 16.0, table 3-7).
     */
    static int codePoint(byte[] text, int at, int limit) {
        int first = text[at];
        if (first >= 0) {
            return first;
        }
        if ((first & 0xE0) == 0xC0) {
            int value = (first & 0x1F) << 6 | continuation(text, at + 1, limit);
            return value >= 0x80 ? value : MALFORMED;
        }
        if ((first & 0xF0) == 0xE0) {
            int value = (first & 0x0F) << 12 | continuation(text, at + 1, limit) << 6
                    | continuation(text, at + 2, limit);
            return value >= 0x800 && (value & 0x1FF800) != 0xD800 ? value : MALFORMED;
        }
        if ((first & 0xF8) == 0xF0) {
            int value = (first & 0x07) << 18 | continuation(text, at + 1, limit) << 12
                    | continuation(text, at + 2, limit) << 6 | continuation(text, at + 3, limit);
            return value >= 0x10000 && value <= Character.MAX_CODE_POINT ? value : MALFORMED;
        }
        return MALFORMED;
    }

    /** Bytes a result of {@link #codePoint} takes; a malformed byte stands alone. */
    static int length(int codePoint) {
        return codePoint < 0x80 ? 1 : codePoint < 0x800 ? 2 : codePoint < 0x10000 ? 3 : 4;
    }

    /** Whether a byte can only follow another one of the same code point. */
    static boolean isContinuation(byte b) {
        return (b & 0xC0) == 0x80;
    }

    /** The six bits of a continuation byte; of anything else -1, which makes the whole value negative. */
    private static int continuation(byte[] text, int at, int limit) {
        return at < limit && isContinuation(text[at]) ? text[at] & 0x3F : -1;
    }
}
