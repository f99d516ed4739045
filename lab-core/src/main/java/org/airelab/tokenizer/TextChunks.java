package org.airelab.tokenizer;

import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import org.airelab.base.UserError;

/**
 * Cuts a stream of text into chunks at places where a piece ends whatever stands before and behind, so that
 * taking the chunks one by one, or in parallel, gives the same pieces and special tokens as taking the whole. No
 * chunk ends within a character. Memory holds one chunk, which grows beyond the size asked for only while the
 * text offers no such place (an unbroken run of a single class of characters).
 */
final class TextChunks {
    /** Bytes of the longest chunk: above it lies the longest array. */
    private static final int LONGEST_CHUNK = 1 << 30;

    private final InputStream in;
    private final SpecialTokens specials;
    private byte[] buffer;
    private int filled;
    private int end;
    private boolean exhausted;

    /** @param chunkBytes bytes of a chunk, 1 or more; the text decides where exactly it ends */
    TextChunks(InputStream in, SpecialTokens specials, int chunkBytes) {
        this.in = in;
        this.specials = specials;
        this.buffer = new byte[Math.max(1, chunkBytes)];
    }

    /** Advances to the next chunk; false at the end of the text. */
    boolean next() throws IOException {
        System.arraycopy(buffer, end, buffer, 0, filled - end);
        filled -= end;
        end = 0;
        int searched = 0;
        while (!exhausted) {
            int wanted = buffer.length - filled;
            int read = in.readNBytes(buffer, filled, wanted);
            filled += read;
            exhausted = read < wanted;
            if (!exhausted) {
                // Behind a cut there must be a whole character, and room to see that no special token crosses it.
                int last = filled - Math.max(Utf8.LONGEST, specials.longest());
                end = lastCut(last, searched);
                if (end > 0) {
                    return true;
                }
                searched = Math.max(searched, last);
                grow();
            }
        }
        end = filled;
        return end > 0;
    }

    /** The current chunk's bytes, from 0 to {@link #length}; valid until {@link #next}. */
    byte[] bytes() {
        return buffer;
    }

    /** Bytes of the current chunk. */
    int length() {
        return end;
    }

    private int lastCut(int last, int searched) {
        for (int at = last; at > searched; at--) {
            if (!Utf8.isContinuation(buffer[at])
                    && PieceScanner.alwaysCutBetween(classBefore(at), CharacterClass.at(buffer, at, filled))
                    && !specials.spans(buffer, at, filled)) {
                return at;
            }
        }
        return 0;
    }

    /** The class of the character that ends before {@code at}. */
    private byte classBefore(int at) {
        int start = at - 1;
        int earliest = Math.max(0, at - Utf8.LONGEST);
        while (start > earliest && Utf8.isContinuation(buffer[start])) {
            start--;
        }
        int codePoint = Utf8.codePoint(buffer, start, at);
        return start + Utf8.length(codePoint) == at ? CharacterClass.of(codePoint) : CharacterClass.OTHER;
    }

    private void grow() {
        if (buffer.length >= LONGEST_CHUNK) {
            throw UserError.badInput("the input has " + LONGEST_CHUNK + " bytes without a place to cut it (a change "
                    + "between letters, digits, punctuation and white space)",
                    "Check that it is text, or break it up.");
        }
        buffer = Arrays.copyOf(buffer, (int) Math.min(LONGEST_CHUNK, buffer.length * 2L));
    }
}
