package org.airelab.tokenizer;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.airelab.tokenizer.Tokenizer.END_OF_TEXT;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import ai.djl.huggingface.tokenizers.Encoding;
import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.airelab.base.SharedData;
import org.airelab.data.story.StoryGrammar;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Ids equal to those of Hugging Face's Rust library, which loads the file written here. */
class HuggingFaceEqualityTest {
    @TempDir
    private Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"tinystories-valid.txt", "tinystories-train.txt", "tinyshakespeare.txt",
        "gpt2-merges.txt", "chinchilla-isoflop-points.csv", "README.md"})
    void gpt2OnSharedTexts(String name) throws IOException {
        String text = Files.readString(SharedData.file(name));
        Tokenizer ours = gpt2();
        try (HuggingFaceTokenizer theirs = theirs(ours)) {
            assertSameIds(theirs, ours, text);
            // The stream, too, and back to the text.
            var ids = new IntList(16);
            try (var in = Files.newInputStream(SharedData.file(name))) {
                ours.encode(in, 5000, ids::add);
            }
            assertArrayEquals(ours.encode(text), ids.toArray());
            assertEquals(text, ours.decode(ids.toArray()));
        }
    }

    @Test
    void gpt2OnTroublesomeTexts() throws IOException {
        sameIdsOfTroublesomeTexts(gpt2());
    }

    /** As with GPT-2's vocabulary, where its files are not at hand. */
    @Test
    void aTokenizerTrainedHereOnTroublesomeTexts() throws IOException {
        sameIdsOfTroublesomeTexts(trained());
    }

    @Test
    void aTokenizerTrainedHereOnStories() throws IOException {
        Tokenizer ours = trained();
        assertEquals(1500, ours.vocabularySize());
        String stories = stories(5000, 5400).collect(Collectors.joining("\n<|endoftext|>\n"));
        try (HuggingFaceTokenizer theirs = theirs(ours)) {
            assertSameIds(theirs, ours, stories);
            assertSameIds(theirs, ours, "\u00e9t\u00e9 <pad>\n<|endoftext|><pad> \uD83D\uDE00");
        }
        var ids = new IntList(16);
        ours.encode(new ByteArrayInputStream(stories.getBytes(UTF_8)), 5000, ids::add);
        assertArrayEquals(ours.encode(stories), ids.toArray());
        assertEquals(stories, ours.decode(ids.toArray()));
    }

    private static Stream<String> stories(int from, int to) {
        return IntStream.range(from, to).mapToObj(index -> StoryGrammar.builtIn().story(3, index));
    }

    /** Learned from stories and from troublesome texts, so that there are merges within and across characters. */
    private static Tokenizer trained() {
        RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(18);
        Stream<String> troublesome = Stream.generate(() -> RandomTexts.text(random, 40)).limit(2000);
        return new BpeTrainer(1500, List.of("<pad>", END_OF_TEXT))
                .train(Stream.concat(stories(0, 2000), troublesome).iterator());
    }

    private void sameIdsOfTroublesomeTexts(Tokenizer ours) throws IOException {
        RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(17);
        try (HuggingFaceTokenizer theirs = theirs(ours)) {
            for (int trial = 0; trial < 4000; trial++) {
                assertSameIds(theirs, ours, RandomTexts.text(random, random.nextInt(40)));
            }
            for (int trial = 0; trial < 4000; trial++) {
                assertSameIds(theirs, ours, random.ints(random.nextInt(30), 0, 0x110000)
                        .filter(c -> c < 0xD800 || c > 0xDFFF).collect(StringBuilder::new,
                                StringBuilder::appendCodePoint, StringBuilder::append).toString());
            }
            for (int codePoint = 0x1F000; codePoint < 0x1FB00; codePoint += 8) {
                var emoji = new StringBuilder("Hi");
                for (int i = 0; i < 8; i++) {
                    emoji.appendCodePoint(codePoint + i).append(i % 3 == 0 ? " " : i % 3 == 1 ? "\u200d" : "\ufe0f");
                }
                assertSameIds(theirs, ours, emoji.toString());
            }
            for (String whitespace : List.of(" ", "\n", "\t", "\r\n", "\u00a0", "\u3000", " \n", "\n ")) {
                for (int length = 0; length < 20; length++) {
                    String run = whitespace.repeat(length);
                    assertSameIds(theirs, ours, run);
                    assertSameIds(theirs, ours, "a" + run + "b" + run + "." + run);
                    assertSameIds(theirs, ours, run + END_OF_TEXT + run + END_OF_TEXT + "x" + run);
                }
            }
            assertSameIds(theirs, ours, "a".repeat(3000) + "ab".repeat(2000) + "=".repeat(500) + "x=".repeat(1000));
        }
    }

    @Test
    void gpt2sKnownIds() throws IOException {
        assertArrayEquals(new int[] {15496, 11, 995, 0}, gpt2().encode("Hello, world!"));
        assertArrayEquals(new int[] {7454, 2402, 257, 640, 50256}, gpt2().encode("Once upon a time<|endoftext|>"));
        assertEquals(50257, gpt2().vocabularySize());
        assertEquals(50256, gpt2().specialId(END_OF_TEXT).orElseThrow());
    }

    @Test
    void aTrainedTokenizerGivesTheSameIdsThere() throws IOException {
        Path text = SharedData.file("tinystories-train.txt");
        Tokenizer ours = new BpeTrainer(2000, List.of("<pad>", END_OF_TEXT)).train(List.of(text));
        assertEquals(2000, ours.vocabularySize());
        try (HuggingFaceTokenizer theirs = theirs(ours)) {
            assertSameIds(theirs, ours, Files.readString(text));
            assertSameIds(theirs, ours, "\u00e9t\u00e9 <pad>\n<|endoftext|><pad> \uD83D\uDE00");
        }
    }

    @Test
    void everyCodePointOfTheLowerPlanesIsCutAlike() throws IOException {
        compareCuts(0, 0x20000, 1);
    }

    @Test
    @Tag("slow")
    void everyCodePointIsCutAlike() throws IOException {
        compareCuts(0x20000, 0x110000, 1);
    }

    @Test
    void codePointsOfTheUpperPlanesAreCutAlike() throws IOException {
        compareCuts(0x20000, 0x110000, 61);
    }

    /** With bytes alone as tokens, the word each token belongs to shows where the text was cut. */
    private void compareCuts(int from, int to, int step) throws IOException {
        Tokenizer bytes = new BpeTrainer(256, List.of()).train(List.of("").iterator());
        try (HuggingFaceTokenizer theirs = theirs(bytes)) {
            var text = new StringBuilder();
            for (int codePoint = from; codePoint < to; codePoint += step) {
                if (codePoint < 0xD800 || codePoint > 0xDFFF) {
                    text.append('a').appendCodePoint(codePoint).append('1').appendCodePoint(codePoint).append("! ");
                }
                if (text.length() > 2000 || codePoint + step >= to) {
                    assertSameCuts(theirs.encode(text.toString()), text.toString().getBytes(UTF_8));
                    text.setLength(0);
                }
            }
        }
    }

    private static void assertSameCuts(Encoding theirs, byte[] text) {
        long[] words = theirs.getWordIds();
        assertEquals(text.length, words.length);
        var ends = new ArrayList<Integer>();
        for (int i = 1; i <= words.length; i++) {
            if (i == words.length || words[i] != words[i - 1]) {
                ends.add(i);
            }
        }
        assertEquals(ends, PieceScannerTest.ends(text), () -> new String(text, UTF_8));
    }

    private static void assertSameIds(HuggingFaceTokenizer theirs, Tokenizer ours, String text) {
        long[] ids = Arrays.stream(ours.encode(text)).asLongStream().toArray();
        assertArrayEquals(theirs.encode(text).getIds(), ids,
                () -> "'" + text.substring(0, Math.min(200, text.length())) + "'");
    }

    private static Tokenizer gpt2() {
        try {
            return Tokenizer.load(SharedData.file("gpt2-vocab.json"), SharedData.file("gpt2-merges.txt"),
                    List.of(END_OF_TEXT));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private HuggingFaceTokenizer theirs(Tokenizer tokenizer) throws IOException {
        Path file = folder.resolve("tokenizer.json");
        tokenizer.save(file);
        return HuggingFaceTokenizer.newInstance(file, Map.of("addSpecialTokens", "false", "truncation", "false",
                "padding", "false"));
    }
}
