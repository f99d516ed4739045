package org.airelab.generate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.airelab.model.TestRuns;
import org.airelab.tokenizer.Tokenizer;
import org.junit.jupiter.api.Test;

class TextStreamTest {
    /** Every byte is a token of its own but for a few merges of letters. */
    private final Tokenizer tokenizer = TestRuns.tokenizer(260);
    private final List<String> pieces = new ArrayList<>();

    @Test
    void aCharacterAppearsWithItsLastByte() {
        TextStream stream = new TextStream(tokenizer, pieces::add);
        int[] ids = tokenizer.encode("a\u00e9\u4f60\uD83D\uDE00!");
        List<Integer> growth = new ArrayList<>();
        for (int id : ids) {
            stream.accept(id);
            growth.add(String.join("", pieces).length());
        }
        stream.close();
        assertEquals(List.of(1, 1, 2, 2, 2, 3, 3, 3, 3, 5, 6), growth);
        assertEquals("a\u00e9\u4f60\uD83D\uDE00!", String.join("", pieces));
        assertFalse(pieces.contains(""));
    }

    @Test
    void anUnfinishedCharacterIsReplacedAtTheEnd() {
        try (TextStream stream = new TextStream(tokenizer, pieces::add)) {
            int[] ids = tokenizer.encode("x\uD83D\uDE00");
            for (int i = 0; i < 4; i++) {
                stream.accept(ids[i]);
            }
            assertEquals(List.of("x"), pieces);
        }
        assertEquals(List.of("x", "\uFFFD"), pieces);
    }

    @Test
    void anyBytesGiveWhatDecodingThemAtOnceGives() {
        Random random = new Random(6);
        byte[] typical = "\u00e9\u4f60\uD83D\uDE00 z".getBytes(StandardCharsets.UTF_8);
        for (int round = 0; round < 200; round++) {
            int[] ids = new int[random.nextInt(12)];
            for (int i = 0; i < ids.length; i++) {
                byte value = random.nextBoolean() ? typical[random.nextInt(typical.length)]
                        : (byte) random.nextInt(256);
                ids[i] = tokenizer.encode(new byte[] {value})[0];
            }
            pieces.clear();
            try (TextStream stream = new TextStream(tokenizer, pieces::add)) {
                for (int id : ids) {
                    stream.accept(id);
                }
            }
            assertEquals(tokenizer.decode(ids), String.join("", pieces));
        }
    }
}
