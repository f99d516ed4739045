package org.airelab.tokenizer;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;

class Utf8Test {
    @Test
    void everyCodePointIsReadBackWithItsLength() {
        for (int codePoint = 0; codePoint <= Character.MAX_CODE_POINT; codePoint++) {
            if (codePoint >= Character.MIN_SURROGATE && codePoint <= Character.MAX_SURROGATE) {
                continue;
            }
            byte[] bytes = Character.toString(codePoint).getBytes(StandardCharsets.UTF_8);
            assertEquals(codePoint, Utf8.codePoint(bytes, 0, bytes.length));
            assertEquals(bytes.length, Utf8.length(codePoint));
            if (bytes.length > 1) {
                assertEquals(Utf8.MALFORMED, Utf8.codePoint(bytes, 0, bytes.length - 1), "cut short");
            }
        }
    }

    @Test
    void malformedIsWhatTheJdksStrictDecoderRefuses() {
        var random = RandomGenerator.of("L64X128MixRandom");
        for (int trial = 0; trial < 200_000; trial++) {
            byte[] bytes = new byte[1 + random.nextInt(4)];
            random.nextBytes(bytes);
            bytes[0] |= (byte) 0x80;
            for (int i = 1; i < bytes.length; i++) {
                bytes[i] = (byte) (random.nextInt(8) == 0 ? bytes[i] : bytes[i] & 0x3F | 0x80);
            }
            int codePoint = Utf8.codePoint(bytes, 0, bytes.length);
            int expected = Utf8.MALFORMED;
            for (int length = 2; length <= bytes.length && expected == Utf8.MALFORMED; length++) {
                expected = strict(bytes, length);
            }
            assertEquals(expected, codePoint);
        }
    }

    private static int strict(byte[] bytes, int length) {
        try {
            String text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes, 0, length)).toString();
            return text.codePointCount(0, text.length()) == 1 ? text.codePointAt(0) : Utf8.MALFORMED;
        } catch (CharacterCodingException e) {
            return Utf8.MALFORMED;
        }
    }
}
