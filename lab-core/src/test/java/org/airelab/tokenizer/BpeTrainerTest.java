package org.airelab.tokenizer;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.airelab.tokenizer.Tokenizer.END_OF_TEXT;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.airelab.base.SharedData;
import org.airelab.base.UserError;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BpeTrainerTest {
    @TempDir
    private Path folder;

    /** The example of Stanford's CS336, assignment 1, section 2.4, after Sennrich et al. 2016. */
    @Test
    void mergesOfThePublishedExample() {
        String text = "low\n".repeat(5) + "lower\n".repeat(2) + "widest\n".repeat(3) + "newest\n".repeat(6);
        assertEquals(List.of("s t", "e st", "o w", "l ow", "w est", "n e", "ne west", "w i", "wi d", "wid est", "low e",
                "lowe r"), merges(train(268, text)));
    }

    @Test
    void equalsTheReferenceThatRecountsEveryMerge() {
        RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(7);
        for (int trial = 0; trial < 120; trial++) {
            var texts = new ArrayList<String>();
            for (int i = random.nextInt(6); i >= 0; i--) {
                texts.add(trial % 3 == 0 ? RandomTexts.text(random, random.nextInt(200)) : runs(random));
            }
            int most = random.nextInt(80);
            var expected = NaiveBpe.learn(texts.stream().map(t -> t.getBytes(UTF_8)).toList(), most).stream()
                    .map(pair -> print(pair.left()) + " " + print(pair.right())).toList();
            var trainer = new BpeTrainer(256 + most, List.of(), 1 + trial % 3, false);
            assertEquals(expected, merges(trainer.train(texts.iterator())), texts::toString);
        }
    }

    @Test
    void equalsTheReferenceOnRealText() throws IOException {
        String text = Files.readString(SharedData.file("tinystories-valid.txt")).replace(END_OF_TEXT, "");
        var expected = NaiveBpe.learn(List.of(text.getBytes(UTF_8)), 250).stream()
                .map(pair -> print(pair.left()) + " " + print(pair.right())).toList();
        assertEquals(expected, merges(train(256 + 250, text)));
    }

    /** Also: files, chunks of any number of threads, and texts in memory give one result. */
    @Test
    void theNumberOfThreadsDoesNotMatter() throws IOException {
        Path file = folder.resolve("random.txt");
        RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(3);
        var text = new StringBuilder();
        while (text.length() < 1_500_000) {
            text.append(RandomTexts.text(random, 50));
        }
        Files.writeString(file, text);
        String hash = new BpeTrainer(1000, List.of(END_OF_TEXT), 1, false).train(List.of(file)).hash();
        for (int threads : new int[] {2, 3, 8}) {
            assertEquals(hash, new BpeTrainer(1000, List.of(END_OF_TEXT), threads, false).train(List.of(file)).hash());
        }
        assertEquals(hash, new BpeTrainer(1000, List.of(END_OF_TEXT)).train(List.of(text).iterator()).hash());
    }

    @Test
    void ofEquallyFrequentPairsTheLexicographicallyGreatestWins() {
        // All pairs once: z-y is the greatest left string, then of b-a, b-c, b-d the greatest right one.
        assertEquals("z y", merges(train(257, "ab\nzy\n")).getFirst());
        assertEquals("b d", merges(train(257, "ba\nbd\nbc\n")).getFirst());
        // Bytes are unsigned: 0xC3 of an e with acute accent is above any letter of ASCII.
        assertEquals("\u00c3 \u00a9", merges(train(257, "zz\n\u00e9\n")).getFirst());
        // A string is greater than its own prefix: after "aa", the pair (aa, b) is greater than (a, c).
        assertEquals(List.of("a a", "aa b", "a c"), merges(train(259, "aa\naab\nac\n")));
    }

    @Test
    void aRunOfEqualTokensIsMergedFromTheLeft() {
        assertEquals(List.of("a a", "aa aa", "aaaa a"), merges(train(300, "aaaaa")));
    }

    @Test
    void specialTokensSplitTheTextAndAreNotCounted() {
        Tokenizer tokenizer = new BpeTrainer(300, List.of(END_OF_TEXT, "<pad>"))
                .train(List.of("ab<|endoftext|>ab<|endoftext|>cd<pad>").iterator());
        assertEquals(List.of("a b", "c d"), merges(tokenizer));
        assertEquals(258, tokenizer.specialId(END_OF_TEXT).orElseThrow());
        assertEquals(259, tokenizer.specialId("<pad>").orElseThrow());
        assertEquals(260, tokenizer.vocabularySize());
        assertTrue(tokenizer.specialId("a").isEmpty());
        assertArrayEquals(new int[] {256, 258, 257, 259}, tokenizer.encode("ab<|endoftext|>cd<pad>"));
    }

    @Test
    void theSmallestVocabularyHasNoMerges() {
        Tokenizer tokenizer = new BpeTrainer(257, List.of(END_OF_TEXT)).train(List.of("some text").iterator());
        assertEquals(257, tokenizer.vocabularySize());
        assertEquals(9, tokenizer.encode("some text").length);
        var error = assertThrows(UserError.class, () -> new BpeTrainer(256, List.of(END_OF_TEXT)));
        assertTrue(error.getMessage().contains("257"), error.getMessage());
    }

    @Test
    void stopsEarlyWhenNoPairIsLeft() {
        Tokenizer tokenizer = train(Integer.MAX_VALUE, "to be or not to be");
        assertTrue(tokenizer.vocabularySize() < 256 + 18, "found " + tokenizer.vocabularySize());
        assertEquals(6, tokenizer.encode("to be or not to be").length, "every word one token");
    }

    @Test
    void emptyInputTrainsTheBytes() throws IOException {
        Path empty = Files.createFile(folder.resolve("empty"));
        assertEquals(256, new BpeTrainer(1000, List.of()).train(List.of(empty)).vocabularySize());
        assertEquals(256, new BpeTrainer(1000, List.of()).train(List.<Path>of()).vocabularySize());
        assertEquals(256, train(1000, "").vocabularySize());
        assertArrayEquals(new int[0], train(1000, "").encode(""));
    }

    @Test
    void filesAreTextsOfTheirOwn() throws IOException {
        Path a = Files.writeString(folder.resolve("a"), "xa");
        Path b = Files.writeString(folder.resolve("b"), "bx");
        assertFalse(merges(new BpeTrainer(300, List.of()).train(List.of(a, b))).contains("a b"));
    }

    @Test
    void wrongUseIsRefused() {
        assertThrows(UserError.class, () -> new BpeTrainer(1000, List.of("")));
        assertThrows(UserError.class, () -> new BpeTrainer(1000, List.of("<a>", "<b>", "<a>")));
        assertThrows(IllegalArgumentException.class, () -> new BpeTrainer(1000, List.of(), 0, false));
        var missing = List.of(folder.resolve("missing"));
        assertThrows(NoSuchFileException.class, () -> new BpeTrainer(300, List.of()).train(missing));
        var error = assertThrows(UserError.class, () -> new BpeTrainer(300, List.of("a")));
        assertTrue(error.getMessage().contains("'a'"), error.getMessage());
        // In GPT-2's byte alphabet this is " the".
        var written = new BpeTrainer(300, List.of("\u0120the"));
        assertThrows(UserError.class, () -> written.train(List.of("the the the").iterator()));
    }

    private static Tokenizer train(int vocabularySize, String text) {
        return new BpeTrainer(vocabularySize, List.of(), 2, false).train(List.of(text).iterator());
    }

    /** The merges as merges.txt has them. */
    private static List<String> merges(Tokenizer tokenizer) {
        var root = JsonFiles.parseObject(tokenizer.json(), "test");
        return Arrays.asList(JsonFiles.strings(root.path("model").path("merges")));
    }

    private static String print(String bytes) {
        return ByteAlphabet.print(bytes.getBytes(ISO_8859_1));
    }

    private static String runs(RandomGenerator random) {
        var text = new StringBuilder();
        for (int i = random.nextInt(60); i > 0; i--) {
            text.append("aab ".charAt(random.nextInt(4)));
        }
        return text.toString();
    }
}
