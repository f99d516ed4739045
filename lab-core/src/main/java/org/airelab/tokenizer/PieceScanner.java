package org.airelab.tokenizer;

import static org.airelab.tokenizer.CharacterClass.LETTER;
import static org.airelab.tokenizer.CharacterClass.OTHER;
import static org.airelab.tokenizer.CharacterClass.SPACE;
import static org.airelab.tokenizer.CharacterClass.WIDE;

/**
 * GPT-2's pre-tokenisation: cuts a text into the pieces that its regular expression matches one after another,
 * <pre>'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+</pre>
 * (openai/gpt-2, {@code src/encoder.py}). The pieces cover the text without a gap, whatever its bytes.
 */
final class PieceScanner {
    private PieceScanner() {
    }

    /** The end of the piece that starts at {@code from} in a text that ends at {@code limit > from}. */
    static int end(byte[] text, int from, int limit) {
        if (text[from] == '\'') {
            int length = contraction(text, from, limit);
            if (length > 0) {
                return from + length;
            }
        }
        int start = text[from] == ' ' && from + 1 < limit ? from + 1 : from;
        byte kind = CharacterClass.at(text, start, limit);
        return kind == SPACE ? whitespace(text, from, limit) : run(text, start, limit, kind);
    }

    /**
     * Whether a piece surely ends between two adjacent characters of these classes, wherever in a text they are.
     * (Between a character that is neither letter, number nor space and a letter one does, unless they are a
     * contraction.)
     */
    static boolean alwaysCutBetween(byte before, byte after) {
        return before != SPACE && before != after && !(before == OTHER && after == LETTER);
    }

    /** Bytes of the contraction at the apostrophe at {@code from}, or 0. */
    private static int contraction(byte[] text, int from, int limit) {
        if (from + 1 >= limit) {
            return 0;
        }
        byte second = from + 2 < limit ? text[from + 2] : 0;
        return switch (text[from + 1]) {
            case 's', 't', 'm', 'd' -> 2;
            case 'r', 'v' -> second == 'e' ? 3 : 0;
            case 'l' -> second == 'l' ? 3 : 0;
            default -> 0;
        };
    }

    /** The end of the run of one class. */
    private static int run(byte[] text, int from, int limit, byte kind) {
        int at = from;
        while (at < limit) {
            byte known = CharacterClass.OF_BYTE[text[at] & 0xFF];
            if (known == kind) {
                at++;
            } else if (known == WIDE) {
                int codePoint = Utf8.codePoint(text, at, limit);
                if (CharacterClass.of(codePoint) != kind) {
                    return at;
                }
                at += Utf8.length(codePoint);
            } else {
                return at;
            }
        }
        return at;
    }

    /** White space up to the end of the text is one piece; before anything else its last character is left over. */
    private static int whitespace(byte[] text, int from, int limit) {
        int last = from;
        int at = from;
        while (at < limit) {
            int codePoint = Utf8.codePoint(text, at, limit);
            if (CharacterClass.of(codePoint) != SPACE) {
                return last > from ? last : at;
            }
            last = at;
            at += Utf8.length(codePoint);
        }
        return limit;
    }
}
