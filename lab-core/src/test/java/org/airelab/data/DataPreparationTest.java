package org.airelab.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.airelab.base.UserError;
import org.airelab.data.story.StoryGrammar;
import org.airelab.tokenizer.Tokenizer;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DataPreparationTest {
    private static final TokenizerChoice SMALL = new TokenizerChoice.Train(300);

    @TempDir
    private Path folder;

    private PreparedData prepare(String train, String valid, TokenizerChoice tokenizer) throws IOException {
        return DataPreparation.prepare(DataSpec.parse(train), Optional.ofNullable(valid).map(DataSpec::parse),
                tokenizer, folder.resolve("cache"));
    }

    /** The documents of a split, decoded. */
    private static List<String> documents(PreparedData data, Split split) throws IOException {
        Tokenizer tokenizer = Tokenizer.load(data.tokenizerJson());
        try (TokenDataset dataset = TokenDataset.open(data.folder(), split)) {
            long[] tokens = new long[(int) dataset.size()];
            dataset.copy(0, tokens.length, tokens, 0);
            String text = tokenizer.decode(Arrays.stream(tokens).mapToInt(token -> (int) token).toArray());
            assertTrue(text.endsWith(Tokenizer.END_OF_TEXT));
            return List.of(text.split("<\\|endoftext\\|>"));
        }
    }

    private Path write(String name, List<String> documents) throws IOException {
        return Files.writeString(folder.resolve(name), String.join("\n<|endoftext|>\n", documents));
    }

    private static List<String> stories(int from, int to) {
        List<String> stories = new ArrayList<>();
        for (int i = from; i < to; i++) {
            stories.add(StoryGrammar.builtIn().story(99, i) + " Grüße 日本 🙂 " + i);
        }
        return stories;
    }

    private List<Path> contents(Path where) throws IOException {
        try (Stream<Path> found = Files.walk(where)) {
            return found.sorted().toList();
        }
    }

    @Test
    void everyDocumentIsInExactlyOneSplitInItsOrder() throws IOException {
        List<String> all = stories(0, 400);
        Path text = write("all.txt", all);
        PreparedData data = prepare("text:" + text, null, SMALL);
        List<String> train = documents(data, Split.TRAIN);
        List<String> validation = documents(data, Split.VALIDATION);
        assertEquals(all.stream().filter(train::contains).toList(), train);
        assertEquals(all.stream().filter(validation::contains).toList(), validation);
        assertEquals(400, train.size() + validation.size());
        assertEquals(new HashSet<>(all), union(train, validation));
        assertEquals(20, validation.size(), 18);
        var manifest = data.manifest();
        assertEquals(train.size(), manifest.train().documents());
        assertEquals(String.join("", validation).getBytes(StandardCharsets.UTF_8).length,
                manifest.validation().bytes());
        assertEquals(300, manifest.vocabularySize());
        assertEquals(TokenType.UINT16, manifest.dtype());
        assertTrue(manifest.entropyFloor().isEmpty());
        DatasetVerification.verify(data.folder());
    }

    private static Set<String> union(List<String> one, List<String> two) {
        Set<String> all = new HashSet<>(one);
        all.addAll(two);
        return all;
    }

    @Test
    void aDocumentStaysInItsSplitWhenOthersAreAddedAndCopiesStayTogether() throws IOException {
        List<String> all = new ArrayList<>(stories(0, 300));
        PreparedData few = prepare("text:" + write("a.txt", all), null, SMALL);
        Set<String> before = new HashSet<>(documents(few, Split.VALIDATION));
        all.addAll(0, stories(300, 400));
        all.addAll(stories(0, 300));
        List<String> after = documents(prepare("text:" + write("b.txt", all), null, SMALL), Split.VALIDATION);
        assertTrue(after.containsAll(before));
        for (String document : before) {
            assertEquals(2, after.stream().filter(document::equals).count());
        }
    }

    @Test
    void validationDocumentsInTheTrainingDataAreReportedAndLeftOut() throws IOException {
        List<String> train = new ArrayList<>(stories(0, 100));
        List<String> valid = stories(200, 220);
        train.add(17, valid.get(3));
        train.add(50, valid.get(3));
        train.add(valid.get(7).replace(". ", ".\n\n"));
        PreparedData data = prepare("text:" + write("t.txt", train), "text:" + write("v.txt", valid), SMALL);
        assertEquals(3, data.manifest().removedFromTrain());
        assertEquals(stories(0, 100), documents(data, Split.TRAIN));
        assertEquals(valid, documents(data, Split.VALIDATION));
        DatasetVerification.verify(data.folder());
    }

    @Test
    void onlyValidationDocumentsToTrainOnIsAnError() throws IOException {
        Path text = write("t.txt", stories(0, 10));
        var error = assertThrows(UserError.class, () -> prepare("text:" + text, "text:" + text, SMALL));
        assertEquals("every training document is a validation document too", error.getMessage());
        assertNothingLeft();
    }

    @Test
    void oneDocumentCannotBeSplit() throws IOException {
        Path text = write("t.txt", List.of("the same", "the  same\n", "the same"));
        var error = assertThrows(UserError.class, () -> prepare("text:" + text, null, SMALL));
        assertTrue(error.getMessage().contains("only 1 different document"), error.getMessage());
        assertNothingLeft();
    }

    private void assertNothingLeft() throws IOException {
        assertEquals(List.of(folder.resolve("cache"), folder.resolve("cache/data")), contents(folder.resolve("cache")));
    }

    @Test
    void twoDocumentsAreEnough() throws IOException {
        PreparedData data = prepare("text:" + write("t.txt", List.of("first one", "second one")), null, SMALL);
        assertEquals(1, data.manifest().train().documents());
        assertEquals(1, data.manifest().validation().documents());
    }

    @Test
    void theFloorIsTheMeanSurprisalOfTheValidationStories() throws IOException {
        PreparedData data = prepare("synthetic:stories=1000,seed=5", null, new TokenizerChoice.Train(512));
        StoryGrammar grammar = StoryGrammar.builtIn();
        double surprisal = 0;
        long tokens = 0;
        Tokenizer tokenizer = Tokenizer.load(data.tokenizerJson());
        List<String> validation = documents(data, Split.VALIDATION);
        for (String story : validation) {
            surprisal -= grammar.logProbability(story);
            tokens += tokenizer.encode(story).length + 1;
        }
        var manifest = data.manifest();
        assertEquals(tokens, manifest.validation().tokens());
        assertEquals(surprisal / tokens, manifest.entropyFloor().getAsDouble(), 1e-9);
        assertEquals(grammar.entropy() * validation.size() / tokens, manifest.entropy().expectedPerToken(), 1e-9);
        assertTrue(manifest.entropyFloor().getAsDouble() > 0.3 && manifest.entropyFloor().getAsDouble() < 1);
    }

    @Test
    void preparingAgainFindsTheFolderAndAnyChangeMakesAnother() throws IOException {
        PreparedData first = prepare("synthetic:stories=50", null, SMALL);
        List<Path> before = contents(folder.resolve("cache"));
        var time = Files.getLastModifiedTime(first.folder().resolve("manifest.json"));
        assertEquals(first, prepare("synthetic:stories=50,seed=0", null, SMALL));
        assertEquals(before, contents(folder.resolve("cache")));
        assertEquals(time, Files.getLastModifiedTime(first.folder().resolve("manifest.json")));
        Set<Path> folders = new HashSet<>(Set.of(first.folder()));
        assertTrue(folders.add(prepare("synthetic:stories=51", null, SMALL).folder()));
        assertTrue(folders.add(prepare("synthetic:stories=50,seed=1", null, SMALL).folder()));
        assertTrue(folders.add(prepare("synthetic:stories=50", "synthetic:stories=5,seed=1", SMALL).folder()));
        assertTrue(folders.add(prepare("synthetic:stories=50", null, new TokenizerChoice.Train(301)).folder()));
        assertTrue(folders.add(prepare("synthetic:stories=50", null,
                new TokenizerChoice.Existing(first.tokenizerJson())).folder()));
    }

    @Test
    void changedTextUnderTheSameNameIsPreparedAnew() throws IOException {
        Path text = write("t.txt", stories(0, 30));
        PreparedData first = prepare("text:" + text, null, SMALL);
        write("t.txt", stories(1, 31));
        PreparedData second = prepare("text:" + text, null, SMALL);
        assertNotEquals(first.folder(), second.folder());
        assertNotEquals(first.manifest().sourceHash(), second.manifest().sourceHash());
    }

    @Test
    void theShardsAreTheSameEveryTime() throws IOException {
        var spec = DataSpec.parse("synthetic:stories=3000");
        List<PreparedData> runs = new ArrayList<>();
        for (String cache : List.of("one", "two")) {
            runs.add(DataPreparation.prepare(spec, Optional.empty(), SMALL, folder.resolve(cache), Optional.empty(),
                    50_000));
        }
        assertEquals(runs.get(0).manifest(), runs.get(1).manifest());
        assertTrue(runs.get(0).manifest().train().shards().size() > 5);
        for (var shard : runs.get(0).manifest().train().shards()) {
            assertArrayEquals(Files.readAllBytes(runs.get(0).folder().resolve(shard.file())),
                    Files.readAllBytes(runs.get(1).folder().resolve(shard.file())));
        }
    }

    @Test
    void severalAtATimeMakeOneFolder() throws Exception {
        try (var threads = Executors.newFixedThreadPool(4)) {
            List<Future<PreparedData>> all = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                all.add(threads.submit(() -> prepare("synthetic:stories=60", null, SMALL)));
            }
            Set<PreparedData> results = new HashSet<>();
            for (Future<PreparedData> one : all) {
                results.add(one.get());
            }
            assertEquals(1, results.size());
        }
        try (Stream<Path> found = Files.list(folder.resolve("cache/data"))) {
            assertEquals(1, found.count());
        }
    }

    @Test
    void anExistingTokenizerIsUsedAsItIs() throws IOException {
        PreparedData first = prepare("synthetic:stories=50", null, SMALL);
        PreparedData second = prepare("text:" + write("t.txt", stories(0, 40)), null,
                new TokenizerChoice.Existing(first.tokenizerJson()));
        assertEquals(first.manifest().tokenizerHash(), second.manifest().tokenizerHash());
        assertThrows(UserError.class, () -> prepare("synthetic:stories=50", null,
                new TokenizerChoice.Existing(folder.resolve("none.json"))));
    }

    @Test
    void aFolderOfOnesChoiceIsFilledOnceAndNotOverwritten() throws IOException {
        Path out = folder.resolve("my/shards");
        var spec = DataSpec.parse("synthetic:stories=50");
        var data = DataPreparation.prepare(spec, Optional.empty(), SMALL, folder.resolve("cache"), Optional.of(out));
        assertEquals(out, data.folder());
        assertEquals(List.of(out), children(out.getParent()));
        assertEquals(data, DataPreparation.prepare(spec, Optional.empty(), SMALL, folder.resolve("cache"),
                Optional.of(out)));
        var other = DataSpec.parse("synthetic:stories=51");
        var error = assertThrows(UserError.class, () -> DataPreparation.prepare(other, Optional.empty(), SMALL,
                folder.resolve("cache"), Optional.of(out)));
        assertTrue(error.getMessage().contains("holds other data (synthetic:stories=50,seed=0"), error.getMessage());
        Path notes = Files.createDirectories(folder.resolve("notes"));
        Files.writeString(notes.resolve("notes.md"), "mine");
        assertThrows(UserError.class, () -> DataPreparation.prepare(other, Optional.empty(), SMALL,
                folder.resolve("cache"), Optional.of(notes)));
        assertEquals(List.of(notes.resolve("notes.md")), children(notes));
        Path empty = Files.createDirectories(folder.resolve("empty"));
        assertEquals(empty, DataPreparation.prepare(other, Optional.empty(), SMALL, folder.resolve("cache"),
                Optional.of(empty)).folder());
    }

    @Test
    void aLinkToAnEmptyFolderIsFollowed() throws IOException {
        Path empty = Files.createDirectories(folder.resolve("far/empty"));
        Path link = Files.createSymbolicLink(folder.resolve("link"), empty);
        var spec = DataSpec.parse("synthetic:stories=50");
        assertEquals(empty.toRealPath(), DataPreparation.prepare(spec, Optional.empty(), SMALL,
                folder.resolve("cache"), Optional.of(link)).folder());
        assertTrue(Files.isSymbolicLink(link) && Files.exists(link.resolve("manifest.json")));
        assertEquals(List.of(empty), children(empty.getParent()));
    }

    @Test
    void theSameTextIsTheSameDataByWhicheverPath() throws IOException {
        Path text = write("t.txt", stories(0, 30));
        PreparedData data = prepare("text:" + text, null, SMALL);
        Path here = Path.of("").toAbsolutePath();
        assertEquals(data, prepare("text:" + here.relativize(text), null, SMALL));
        assertEquals(data, prepare("text:" + Files.copy(text, folder.resolve("copy.txt")), null, SMALL));
        assertEquals("text:" + here.resolve("t.txt"), DataSpec.parse("text:t.txt").absolute().toString());
        assertEquals("tinystories", DataSpec.parse("tinystories").absolute().toString());
    }

    /** There is no text, but that is found out only by looking for it, which may mean a download. */
    @Test
    void theTokenizerAndTheFolderAreLookedAtFirst() throws IOException {
        var spec = DataSpec.parse("text:" + folder.resolve("none.txt"));
        var noTokenizer = new TokenizerChoice.Existing(folder.resolve("none.json"));
        assertRefused("there is no tokenizer file", spec, noTokenizer, Optional.empty());
        Path notes = Files.createDirectories(folder.resolve("notes"));
        Files.writeString(notes.resolve("notes.md"), "mine");
        assertRefused("holds no prepared data", spec, SMALL, Optional.of(notes));
        assertRefused("is a file, not a folder", spec, SMALL, Optional.of(notes.resolve("notes.md")));
        assertRefused("cannot write in the folder", spec, SMALL, Optional.of(notes.resolve("notes.md/out")));
        assertRefused("there is no file or folder", spec, SMALL, Optional.of(folder.resolve("new/out")));
        assertFalse(Files.exists(folder.resolve("new")));
    }

    private void assertRefused(String message, DataSpec spec, TokenizerChoice tokenizer, Optional<Path> out) {
        var error = assertThrows(UserError.class, () -> DataPreparation.prepare(spec, Optional.empty(), tokenizer,
                folder.resolve("cache"), out));
        assertTrue(error.getMessage().contains(message), error.getMessage());
    }

    private static List<Path> children(Path where) throws IOException {
        try (Stream<Path> found = Files.list(where)) {
            return found.toList();
        }
    }

    @Test
    void aBuildThatDiedLeavesNothingInTheWay() throws IOException {
        PreparedData data = prepare("synthetic:stories=50", null, SMALL);
        Path dead = data.folder().resolveSibling("." + data.folder().getFileName() + ".tmp");
        Files.move(data.folder(), dead);
        Files.delete(dead.resolve("manifest.json"));
        assertEquals(data, prepare("synthetic:stories=50", null, SMALL));
        assertFalse(Files.exists(dead));
    }

    @Test
    void aFolderThatCannotBeWrittenIsTold() throws IOException {
        Path file = Files.writeString(folder.resolve("file"), "");
        var error = assertThrows(UserError.class, () -> DataPreparation.prepare(DataSpec.parse("synthetic"),
                Optional.empty(), SMALL, file.resolve("cache")));
        assertTrue(error.getMessage().startsWith("cannot write in the folder " + file.resolve("cache/data")),
                error.getMessage());
        assertEquals(UserError.MACHINE, error.exitCode());
        Path readOnly = Path.of("/proc/self");
        Assumptions.assumeTrue(Files.isDirectory(readOnly), "skipped: this system has no read-only folder /proc/self");
        assertThrows(UserError.class, () -> DataPreparation.prepare(DataSpec.parse("synthetic"), Optional.empty(),
                SMALL, readOnly));
    }

    @Test
    void verificationNamesTheAlteredShard() throws IOException {
        PreparedData data = prepare("synthetic:stories=50", null, SMALL);
        Path shard = data.folder().resolve("validation-00000.bin");
        byte[] bytes = Files.readAllBytes(shard);
        bytes[bytes.length / 2] ^= 1;
        Files.write(shard, bytes);
        TokenDataset.open(data.folder(), Split.VALIDATION).close();
        var error = assertThrows(UserError.class, () -> DatasetVerification.verify(data.folder()));
        assertTrue(error.getMessage().startsWith("the token shard " + shard + " was altered"), error.getMessage());
        assertEquals(UserError.FAILED, error.exitCode());
    }

    /** Shards that agree with their manifest can still hold a planted copy. */
    @Test
    void theLeakageCheckFindsWhatIsPlanted() throws IOException {
        int[] train = {5, 6, 0, 7, 0, 8, 9, 0, 7, 0, 7, 0};
        int[] validation = {7, 0, 5, 0, 8, 9, 0, 8, 9, 0, 6, 0};
        TestShards.write(folder, 10, 4, train, validation);
        try (TokenDataset one = TokenDataset.open(folder, Split.TRAIN);
                TokenDataset two = TokenDataset.open(folder, Split.VALIDATION)) {
            assertEquals(3, LeakageCheck.leaked(one, two));
            assertEquals(4, LeakageCheck.leaked(two, one));
        }
    }

    @Test
    void tokensOutsideTheVocabularyAndUnfinishedDocumentsAreFound() throws IOException {
        TestShards.write(folder, 10, 4, 5, 12, 0);
        assertFails("token 1 is 12, outside the vocabulary of 10");
        TestShards.write(folder, 10, 4, 5, 0, 5);
        assertFails("the last document has no end-of-text token");
    }

    private void assertFails(String message) {
        var error = assertThrows(UserError.class, () -> DatasetVerification.verify(folder));
        assertEquals(message, error.getMessage());
    }

    /** The real sample: nothing of its validation stories is in its training stories, and all text comes back. */
    @Test
    void realStoriesComeBackByteForByte() throws IOException {
        Path shared = Path.of(System.getProperty("user.dir")).toAbsolutePath();
        while (shared != null && !Files.exists(shared.resolve("../shared/data/tinystories-train.txt"))) {
            shared = shared.getParent();
        }
        Assumptions.assumeTrue(shared != null, "skipped: no ../shared/data beside the repository");
        Path train = shared.resolve("../shared/data/tinystories-train.txt");
        Path valid = shared.resolve("../shared/data/tinystories-valid.txt");
        PreparedData data = prepare("text:" + train, "text:" + valid, new TokenizerChoice.Train(512));
        for (var side : java.util.Map.of(Split.TRAIN, train, Split.VALIDATION, valid).entrySet()) {
            List<String> expected = Stream.of(Files.readString(side.getValue()).split("<\\|endoftext\\|>"))
                    .map(String::strip).filter(document -> !document.isEmpty()).toList();
            assertEquals(expected, documents(data, side.getKey()));
        }
        assertEquals(1028, data.manifest().train().documents());
        assertEquals(68, data.manifest().validation().documents());
        assertEquals(0, data.manifest().removedFromTrain());
    }
}
