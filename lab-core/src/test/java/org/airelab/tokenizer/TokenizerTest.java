package org.airelab.tokenizer;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.airelab.tokenizer.Tokenizer.END_OF_TEXT;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.airelab.base.UserError;
import org.junit.jupiter.api.Test;

class TokenizerTest {
    /** Special tokens that overlap, hold white space, start alike and end in a part of a character's bytes. */
    private static final List<String> SPECIALS =
            List.of(END_OF_TEXT, "<|end", "of text|>", "t|> <", " \n ", "\u00e9!", "||");

    private final RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(11);

    @Test
    void decodingGivesBackEveryText() {
        Tokenizer tokenizer = trained(600);
        for (int trial = 0; trial < 3000; trial++) {
            String text = RandomTexts.text(random, random.nextInt(40));
            assertEquals(text, tokenizer.decode(tokenizer.encode(text)));
        }
    }

    @Test
    void bytesThatAreNoTextComeBackAndAreShownAsReplacementCharacters() {
        Tokenizer tokenizer = trained(600);
        for (int trial = 0; trial < 3000; trial++) {
            byte[] bytes = RandomTexts.bytes(random, random.nextInt(60));
            int[] ids = tokenizer.encode(bytes);
            assertArrayEquals(bytes, tokenizer.decodeBytes(ids));
            assertEquals(new String(bytes, UTF_8), tokenizer.decode(ids));
        }
        Tokenizer single = new BpeTrainer(256, List.of()).train(List.of("").iterator());
        int[] ids = single.encode("\u4e2d\u6587");
        assertEquals("\u4e2d\ufffd", single.decode(Arrays.copyOf(ids, 5)));
        assertEquals("\ufffd\ufffd\u6587", single.decode(Arrays.copyOfRange(ids, 1, 6)));
    }

    @Test
    void aStreamGivesTheIdsOfTheWholeWhereverItIsCut() throws IOException {
        Tokenizer tokenizer = trained(500);
        for (int trial = 0; trial < 3000; trial++) {
            byte[] text = trial % 4 == 0 ? RandomTexts.bytes(random, random.nextInt(300)) : specialText();
            var ids = new IntList(16);
            tokenizer.encode(trickle(text), 1 + random.nextInt(64), ids::add);
            assertArrayEquals(tokenizer.encode(text), ids.toArray(), () -> Arrays.toString(text));
        }
    }

    @Test
    void streamingHoldsNoMoreThanAChunk() throws IOException {
        byte[] sentence = "Tom said, \"I don't know\". \u4f60\u597d\uff0c\u4e16\u754c\u3002 <|endoftext|>\n"
                .getBytes(UTF_8);
        int repeats = 100_000;
        InputStream text = new InputStream() {
            private long at;

            @Override
            public int read() {
                return at < (long) repeats * sentence.length ? sentence[(int) (at++ % sentence.length)] & 0xFF : -1;
            }
        };
        var chunks = new TextChunks(text, new SpecialTokens(List.of(new AddedToken(0, END_OF_TEXT, true))), 1000);
        long bytes = 0;
        while (chunks.next()) {
            bytes += chunks.length();
            assertEquals(1000, chunks.bytes().length, "the buffer grew");
        }
        assertEquals((long) repeats * sentence.length, bytes);
    }

    @Test
    void aTextWithoutAnyPlaceToCutStillStreams() throws IOException {
        Tokenizer tokenizer = trained(400);
        byte[] text = "a".repeat(10_000).getBytes(UTF_8);
        var ids = new IntList(16);
        tokenizer.encode(new ByteArrayInputStream(text), 7, ids::add);
        assertArrayEquals(tokenizer.encode(text), ids.toArray());
    }

    /** Pieces on both sides of the length from which a heap is used. */
    @Test
    void mergesFollowTheDefinition() {
        String sample = "abbabaabbaababbabaababbaabbabaab".repeat(8);
        var merges = NaiveBpe.learn(List.of(sample.getBytes(UTF_8), "aaaaaaaaa".getBytes(UTF_8)), 20);
        Tokenizer tokenizer = new BpeTrainer(256 + 20, List.of()).train(List.of(sample, "aaaaaaaaa").iterator());
        for (int trial = 0; trial < 1500; trial++) {
            int length = trial < 1000 ? random.nextInt(20) : 90 + random.nextInt(60);
            byte[] piece = new byte[length];
            boolean run = random.nextInt(8) == 0;
            for (int i = 0; i < length; i++) {
                piece[i] = (byte) (run || random.nextBoolean() ? 'a' : 'b');
            }
            var expected = NaiveBpe.encode(piece, merges);
            var found = Arrays.stream(tokenizer.encode(piece))
                    .mapToObj(id -> new String(tokenizer.bytes(id), ISO_8859_1)).toList();
            assertEquals(expected, found);
        }
    }

    @Test
    void specialTokensAreFoundFromLeftToRightTheLongestFirst() {
        var trainer = new BpeTrainer(256 + 5, List.of("<a>", "<a><b>", "<b>c", "c<", "<b"));
        Tokenizer tokenizer = trainer.train(List.of("").iterator());
        assertEquals(List.of("<a><b>", "c<", "a", ">"), parts(tokenizer, "<a><b>c<a>"));
        assertEquals(List.of("<a>", "x", "<b>c", "<b"), parts(tokenizer, "<a>x<b>c<b"));
        assertEquals(List.of("<b", ">", "<a>", "<a>", "<"), parts(tokenizer, "<b><a><a><"));
    }

    @Test
    void idsOutsideTheVocabularyAreRefused() {
        Tokenizer tokenizer = trained(300);
        for (int id : new int[] {-1, 300, Integer.MAX_VALUE, Integer.MIN_VALUE}) {
            var error = assertThrows(UserError.class, () -> tokenizer.decode(5, id));
            assertTrue(error.getMessage().contains(Integer.toString(id)) && error.getMessage().contains("0 to 299"),
                    error.getMessage());
            assertThrows(UserError.class, () -> tokenizer.bytes(id));
        }
        assertEquals("", tokenizer.decode());
    }

    @Test
    void theBytesOfATokenAreACopy() {
        Tokenizer tokenizer = trained(300);
        int id = tokenizer.encode("a")[0];
        tokenizer.bytes(id)[0] = 'b';
        assertEquals("a", tokenizer.decode(id));
    }

    @Test
    void manyThreadsMayUseOneTokenizer() throws Exception {
        Tokenizer shared = trained(600);
        Tokenizer alone = trained(600);
        var texts = new ArrayList<String>();
        for (int i = 0; i < 400; i++) {
            texts.add(RandomTexts.text(random, 60));
        }
        try (var executor = Executors.newFixedThreadPool(4)) {
            var tasks = new ArrayList<Callable<List<int[]>>>();
            for (int i = 0; i < 8; i++) {
                tasks.add(() -> texts.stream().map(shared::encode).toList());
            }
            for (Future<List<int[]>> result : executor.invokeAll(tasks)) {
                for (int i = 0; i < texts.size(); i++) {
                    assertArrayEquals(alone.encode(texts.get(i)), result.get().get(i));
                }
            }
        }
    }

    private static List<String> parts(Tokenizer tokenizer, String text) {
        return Arrays.stream(tokenizer.encode(text)).mapToObj(id -> tokenizer.decode(id)).toList();
    }

    private byte[] specialText() {
        var text = new StringBuilder();
        for (int i = random.nextInt(20); i > 0; i--) {
            if (random.nextBoolean()) {
                String special = SPECIALS.get(random.nextInt(SPECIALS.size()));
                text.append(special, 0, random.nextInt(3) == 0 ? random.nextInt(special.length()) : special.length());
            } else {
                text.append(RandomTexts.text(random, random.nextInt(6)));
            }
        }
        return text.toString().getBytes(UTF_8);
    }

    /** A stream that gives a few bytes at a time. */
    private InputStream trickle(byte[] bytes) {
        return new FilterInputStream(new ByteArrayInputStream(bytes)) {
            @Override
            public int read(byte[] target, int offset, int length) throws IOException {
                return super.read(target, offset, Math.min(length, 1 + random.nextInt(5)));
            }
        };
    }

    private Tokenizer trained(int vocabularySize) {
        var text = new StringBuilder();
        var fixed = RandomGeneratorFactory.of("L64X128MixRandom").create(5);
        for (int i = 0; i < 200; i++) {
            text.append(RandomTexts.text(fixed, 20));
        }
        return new BpeTrainer(vocabularySize, SPECIALS, 1, false).train(List.of(text).iterator());
    }
}
