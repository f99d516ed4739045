package org.airelab.tokenizer;

/**
 * The classes GPT-2's pattern tells apart: white space {@code \s} (Unicode's White_Space property), letters
 * {@code \p{L}}, numbers {@code \p{N}}, and the rest, to which a malformed byte belongs as U+FFFD would.
 *
 * <p>Letters and numbers are those of the running JDK's Unicode version; in JDK 25 that is 16.0, as in Hugging
 * Face's tokenizers 0.21 to 0.23.
 */
final class CharacterClass {
    static final byte SPACE = 0;
    static final byte LETTER = 1;
    static final byte NUMBER = 2;
    static final byte OTHER = 3;
    /** In {@link #OF_BYTE}: the byte alone does not tell. */
    static final byte WIDE = 4;

    /** The class by a code point's first byte (as an unsigned number). */
    static final byte[] OF_BYTE = new byte[256];

    static {
        for (int b = 0; b < 256; b++) {
            OF_BYTE[b] = b < 0x80 ? of(b) : WIDE;
        }
    }

    private CharacterClass() {
    }

    /** The class of a code point or of {@link Utf8#MALFORMED}. */
    static byte of(int codePoint) {
        if (codePoint == Utf8.MALFORMED) {
            return OTHER;
        }
        return switch (Character.getType(codePoint)) {
            case Character.UPPERCASE_LETTER, Character.LOWERCASE_LETTER, Character.TITLECASE_LETTER,
                 Character.MODIFIER_LETTER, Character.OTHER_LETTER -> LETTER;
            case Character.DECIMAL_DIGIT_NUMBER, Character.LETTER_NUMBER, Character.OTHER_NUMBER -> NUMBER;
            case Character.SPACE_SEPARATOR, Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR -> SPACE;
            // White_Space among the controls: tab to carriage return, and NEL.
            case Character.CONTROL -> codePoint >= '\t' && codePoint <= '\r' || codePoint == 0x85 ? SPACE : OTHER;
            default -> OTHER;
        };
    }

    /** The class of the code point that starts at {@code at} and ends before {@code limit}. */
    static byte at(byte[] text, int at, int limit) {
        byte known = OF_BYTE[text[at] & 0xFF];
        return known != WIDE ? known : of(Utf8.codePoint(text, at, limit));
    }
}
