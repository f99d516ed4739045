package org.airelab.tokenizer;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.airelab.tokenizer.Tokenizer.END_OF_TEXT;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import org.airelab.base.Hashes;
import org.airelab.base.UserError;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TokenizerJsonTest {
    private static final ObjectMapper MAPPER = new ObjectMapper();

    @TempDir
    private Path folder;
    private Path file;
    private Tokenizer tokenizer;

    @BeforeEach
    void train() throws IOException {
        file = folder.resolve("tokenizer.json");
        tokenizer = new BpeTrainer(300, List.of(END_OF_TEXT, "\u00e9t\u00e9\n"))
                .train(List.of("low lower lowest \u00e9t\u00e9s \"quoted\\\" <low>").iterator());
        tokenizer.save(file);
    }

    @Test
    void whatIsSavedLoadsAsTheSame() throws IOException {
        Tokenizer loaded = Tokenizer.load(file);
        assertEquals(tokenizer.hash(), loaded.hash());
        assertEquals(Hashes.sha256(file), loaded.hash());
        assertEquals(tokenizer.vocabularySize(), loaded.vocabularySize());
        assertEquals(List.of(END_OF_TEXT, "\u00e9t\u00e9\n"), loaded.specialTokens());
        String text = "lowest <low> \u00e9t\u00e9\n<|endoftext|>\u00e9t\u00e9";
        assertArrayEquals(tokenizer.encode(text), loaded.encode(text));
        assertEquals(text, loaded.decode(loaded.encode(text)));
        for (int id = 0; id < loaded.vocabularySize(); id++) {
            assertArrayEquals(tokenizer.bytes(id), loaded.bytes(id));
        }
    }

    @Test
    void anotherTokenizerHasAnotherHash() {
        Tokenizer other = new BpeTrainer(300, List.of(END_OF_TEXT)).train(List.of("low").iterator());
        assertNotEquals(tokenizer.hash(), other.hash());
    }

    @Test
    void mergesAsPairsAndAsStringsAreTheSame() throws IOException {
        edit(root -> {
            var pairs = MAPPER.createArrayNode();
            model(root).path("merges").forEach(merge -> {
                ArrayNode pair = pairs.addArray();
                List.of(merge.asText().split(" ")).forEach(pair::add);
            });
            model(root).set("merges", pairs);
        });
        assertEquals(tokenizer.hash(), Tokenizer.load(file).hash());
    }

    @Test
    void whatChangesNoIdsIsAccepted() throws IOException {
        edit(root -> {
            root.putObject("post_processor").put("type", "ByteLevel").put("trim_offsets", false);
            root.remove("truncation");
            model(root).remove(List.of("type", "fuse_unk", "dropout"));
            model(root).put("unk_token", END_OF_TEXT).put("continuing_subword_prefix", "")
                    .put("end_of_word_suffix", "");
            ((ObjectNode) root.path("added_tokens").get(0)).put("normalized", true);
            // As Hugging Face has them when tokens were added to a finished model.
            ((ObjectNode) model(root).path("vocab")).remove(END_OF_TEXT);
        });
        assertEquals(tokenizer.hash(), Tokenizer.load(file).hash());
    }

    @ParameterizedTest
    @CsvSource(delimiter = ';', quoteCharacter = '~', value = {
        "/normalizer; {\"type\":\"NFC\"}; normalizer = NFC",
        "/truncation; {\"max_length\":512}; truncation",
        "/padding; {\"strategy\":\"BatchLongest\"}; padding",
        "/post_processor; {\"type\":\"TemplateProcessing\"}; post_processor = TemplateProcessing",
        "/pre_tokenizer; null; pre_tokenizer = null",
        "/pre_tokenizer; {\"type\":\"Whitespace\"}; pre_tokenizer = Whitespace",
        "/pre_tokenizer; {\"type\":\"Sequence\",\"pretokenizers\":[]}; pre_tokenizer = Sequence",
        "/pre_tokenizer/add_prefix_space; true; pre_tokenizer.add_prefix_space = true",
        "/pre_tokenizer/use_regex; false; pre_tokenizer.use_regex = false",
        "/decoder; {\"type\":\"WordPiece\"}; decoder = WordPiece",
        "/model/type; \"WordPiece\"; model = WordPiece",
        "/model/dropout; 0.1; model.dropout = 0.1",
        "/model/ignore_merges; true; model.ignore_merges = true",
        "/model/end_of_word_suffix; \"</w>\"; model.end_of_word_suffix",
        "/added_tokens/0/lstrip; true; lstrip = true",
        "/added_tokens/0/single_word; true; single_word = true"})
    void whatIsNotSupportedIsNamed(String pointer, String value, String message) throws IOException {
        edit(root -> {
            int slash = pointer.lastIndexOf('/');
            ((ObjectNode) root.at(pointer.substring(0, slash))).set(pointer.substring(slash + 1), parse(value));
        });
        assertRefused(message);
    }

    @Test
    void overlappingTokensOfBothKindsOfNormalizationAreRefused() throws IOException {
        edit(root -> {
            ArrayNode added = (ArrayNode) root.path("added_tokens");
            added.addObject().put("id", tokenizer.vocabularySize()).put("content", "text|>!").put("normalized", true);
        });
        assertRefused("'text|>!'");
    }

    @ParameterizedTest
    @CsvSource(delimiter = ';', quoteCharacter = '~', value = {
        "/model/merges; 5; merges",
        "/model/merges; [\"o w\", \"l\"]; [l]",
        "/model/merges; [\"o w\", \"o w\"]; twice",
        "/model/merges; [[\"l\",\"o\",\"w\"]]; [l, o, w]",
        "/model/merges; [\"z \u0120\"]; z\u0120",
        "/model/vocab; {\"a\": 0}; 0 to 2",
        "/model/vocab; [1, 2]; vocab",
        "/model/vocab/a; 12345; 12345",
        "/model/vocab/a; 66; 66",
        "/model/vocab/a; \"x\"; 'a'",
        "/model/vocab/a; 99999999999; 'a'",
        "/model/vocab/\u4e2d; 300; \u4e2d",
        "/added_tokens/0/id; 7; <|endoftext|>",
        "/added_tokens/0/content; \"\"; added token"})
    void brokenContentIsNamed(String pointer, String value, String message) throws IOException {
        edit(root -> {
            int slash = pointer.lastIndexOf('/');
            ((ObjectNode) root.at(pointer.substring(0, slash))).set(pointer.substring(slash + 1), parse(value));
        });
        assertRefused(message);
    }

    @Test
    void everyByteNeedsAToken() throws IOException {
        edit(root -> {
            ObjectNode vocab = (ObjectNode) model(root).path("vocab");
            vocab.set("##", vocab.remove("#"));
        });
        assertRefused("byte 35 ('#')");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "{", "[]", "null", "42", "{\"a\": 1, \"a\": 2}", "{} {}", "{\"model\": nul}",
        "{\"padding\": 7}", "\u0000"})
    void badJsonIsRefused(String json) throws IOException {
        Files.writeString(file, json);
        assertRefused("tokenizer.json");
    }

    @Test
    void aFileCutAnywhereIsRefused() throws IOException {
        byte[] whole = Files.readAllBytes(file);
        for (int length = 0; length < whole.length - 2; length += 97) {
            Files.write(file, Arrays.copyOf(whole, length));
            assertThrows(UserError.class, () -> Tokenizer.load(file));
        }
    }

    @Test
    void gpt2sFilesAreRead() throws IOException {
        var vocab = MAPPER.createObjectNode();
        ObjectNode all = (ObjectNode) MAPPER.readTree(file.toFile()).path("model").path("vocab");
        all.properties().stream().filter(entry -> tokenizer.specialId(entry.getKey()).isEmpty())
                .forEach(entry -> vocab.set(entry.getKey(), entry.getValue()));
        var merges = new StringBuilder("#version: 0.2\n");
        MAPPER.readTree(file.toFile()).path("model").path("merges")
                .forEach(merge -> merges.append(merge.asText()).append("\n"));
        Path vocabFile = Files.writeString(folder.resolve("vocab.json"), vocab.toString());
        Path mergesFile = Files.writeString(folder.resolve("merges.txt"), merges);
        var specials = List.of(END_OF_TEXT, "\u00e9t\u00e9\n");
        assertEquals(tokenizer.hash(), Tokenizer.load(vocabFile, mergesFile, specials).hash());
        Files.writeString(mergesFile, merges.toString().replace("\n", "\r\n") + "\r\n\r\n");
        assertEquals(tokenizer.hash(), Tokenizer.load(vocabFile, mergesFile, specials).hash());
        Files.writeString(mergesFile, merges + "l\n");
        var error = assertThrows(UserError.class, () -> Tokenizer.load(vocabFile, mergesFile, specials));
        assertTrue(error.getMessage().contains("[l]"), error.getMessage());
    }

    @Test
    void nothingIsLeftOfAFailedSave() {
        Path target = file.resolve("below-a-file");
        assertThrows(IOException.class, () -> tokenizer.save(target));
        assertFalse(Files.exists(target));
    }

    private void assertRefused(String message) {
        var error = assertThrows(UserError.class, () -> Tokenizer.load(file));
        assertTrue(error.getMessage().contains(message), error.getMessage());
        assertEquals(UserError.BAD_INPUT, error.exitCode());
        assertTrue(error.getMessage().lines().count() == 1, error.getMessage());
    }

    private void edit(Consumer<ObjectNode> change) throws IOException {
        ObjectNode root = (ObjectNode) MAPPER.readTree(file.toFile());
        change.accept(root);
        Files.write(file, root.toString().getBytes(UTF_8));
    }

    private static ObjectNode model(ObjectNode root) {
        return (ObjectNode) root.path("model");
    }

    private static JsonNode parse(String json) {
        try {
            return MAPPER.readTree(json);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}
