package org.airelab.tokenizer;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The scanner against the regular expression it stands for, as java.util.regex understands it. */
class PieceScannerTest {
    private static final Pattern GPT2 = Pattern.compile(
            "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
            Pattern.UNICODE_CHARACTER_CLASS);

    @Test
    void piecesAreTheMatchesOfGpt2sPattern() {
        RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(1);
        for (int trial = 0; trial < 20_000; trial++) {
            String text = RandomTexts.text(random, random.nextInt(30));
            assertEquals(matches(text), pieces(text.getBytes(UTF_8)), text);
        }
    }

    @Test
    void everyCodePointHasThePatternsClass() {
        for (int codePoint = 0; codePoint <= Character.MAX_CODE_POINT; codePoint++) {
            if (codePoint < Character.MIN_SURROGATE || codePoint > Character.MAX_SURROGATE) {
                // One text a class: a letter joins the a, a number the 1, others the !, white space none of them.
                String c = Character.toString(codePoint);
                String text = "a" + c + "1" + c + "!" + c + "x";
                assertEquals(matches(text), pieces(text.getBytes(UTF_8)), () -> "U+" + text.codePointAt(1));
            }
        }
    }

    @Test
    void contractionsAndWhiteSpace() {
        assertEquals(List.of("We", "'ll", " say", " '", "tis", " don", "'t", " '", "SHE", "'", "S", "''", "s"),
                pieces("We'll say 'tis don't 'SHE'S''s".getBytes(UTF_8)));
        assertEquals(List.of("a", " ", " b", "\n", "\n", "c", " ", "\t", "d", "   "),
                pieces("a  b\n\nc \td   ".getBytes(UTF_8)));
        assertEquals(List.of("'"), pieces("'".getBytes(UTF_8)));
        assertEquals(List.of("'", "l"), pieces("'l".getBytes(UTF_8)));
    }

    @Test
    void malformedBytesArePunctuationEachAByteLong() {
        byte[] text = {'a', (byte) 0xC3, 'b', ' ', (byte) 0xFF, (byte) 0x80, '!', '1', (byte) 0xE2, (byte) 0x82};
        assertEquals(List.of(1, 2, 3, 7, 8, 10), ends(text));
    }

    static List<Integer> ends(byte[] text) {
        var ends = new ArrayList<Integer>();
        int from = 0;
        while (from < text.length) {
            from = PieceScanner.end(text, from, text.length);
            ends.add(from);
        }
        return ends;
    }

    private static List<String> pieces(byte[] text) {
        var pieces = new ArrayList<String>();
        int from = 0;
        for (int end : ends(text)) {
            pieces.add(new String(text, from, end - from, UTF_8));
            from = end;
        }
        return pieces;
    }

    private static List<String> matches(String text) {
        return GPT2.matcher(text).results().map(MatchResult::group).toList();
    }
}
