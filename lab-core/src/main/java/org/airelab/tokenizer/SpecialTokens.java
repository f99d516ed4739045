package org.airelab.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/** Finds added tokens in a text, from left to right, of those that start at one place the longest. */
final class SpecialTokens {
    /** What {@link #find} returns when there is none. */
    static final long NONE = -1;

    private record Pattern(byte[] bytes, int id, int index) {
        boolean matches(byte[] text, int at, int limit) {
            return bytes.length <= limit - at
                    && Arrays.mismatch(bytes, 0, bytes.length, text, at, at + bytes.length) < 0;
        }
    }

    /** The patterns by their first byte, the longest first. */
    private final Pattern[][] byFirstByte = new Pattern[256][];
    private final List<Pattern> patterns = new ArrayList<>();
    private final int longest;

    SpecialTokens(List<AddedToken> tokens) {
        for (AddedToken token : tokens) {
            byte[] bytes = token.content().getBytes(StandardCharsets.UTF_8);
            patterns.add(new Pattern(bytes, token.id(), patterns.size()));
        }
        longest = patterns.stream().mapToInt(pattern -> pattern.bytes.length).max().orElse(0);
        for (int b = 0; b < 256; b++) {
            byte first = (byte) b;
            Pattern[] starting = patterns.stream().filter(p -> p.bytes[0] == first)
                    .sorted(Comparator.comparingInt((Pattern p) -> p.bytes.length).reversed()).toArray(Pattern[]::new);
            byFirstByte[b] = starting.length == 0 ? null : starting;
        }
    }

    /** The first match that starts at {@code from} or later and ends at {@code limit} or before. */
    long find(byte[] text, int from, int limit) {
        if (patterns.isEmpty()) {
            return NONE;
        }
        for (int at = from; at < limit; at++) {
            Pattern[] starting = byFirstByte[text[at] & 0xFF];
            if (starting == null) {
                continue;
            }
            for (Pattern pattern : starting) {
                if (pattern.matches(text, at, limit)) {
                    return (long) at << 32 | pattern.index;
                }
            }
        }
        return NONE;
    }

    /** Where a match that was found starts. */
    static int start(long match) {
        return (int) (match >>> 32);
    }

    /** Where a match that was found ends. */
    int end(long match) {
        return start(match) + patterns.get((int) match).bytes.length;
    }

    /** The token of a match that was found. */
    int id(long match) {
        return patterns.get((int) match).id;
    }

    /** Bytes of the longest token, 0 without tokens. */
    int longest() {
        return longest;
    }

    /** Whether a token stands in the text with {@code at} inside it; {@code limit} may cut off what lies behind. */
    boolean spans(byte[] text, int at, int limit) {
        for (Pattern pattern : patterns) {
            for (int start = Math.max(0, at - pattern.bytes.length + 1); start < at; start++) {
                if (pattern.matches(text, start, limit)) {
                    return true;
                }
            }
        }
        return false;
    }
}
