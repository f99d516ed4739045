package org.airelab.hf;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.ndarray.NDManager;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.airelab.base.Json;
import org.airelab.base.UserError;
import org.airelab.checkpoint.SafetensorsFile;
import org.airelab.checkpoint.SafetensorsWriter;
import org.airelab.checkpoint.TensorData;
import org.airelab.config.Configurations;
import org.airelab.config.Setting;
import org.airelab.model.InferenceModel;
import org.airelab.model.SavedModel;
import org.airelab.model.TestRuns;
import org.airelab.nn.ModelConfig;
import org.airelab.nn.ModelConfig.FeedForwardKind;
import org.airelab.nn.ModelConfig.Norm;
import org.airelab.nn.ModelConfig.NormPlacement;
import org.airelab.nn.ModelConfig.Positions;
import org.airelab.torch.Autograd;
import org.airelab.torch.NativeArrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class HuggingFaceTest {
    @TempDir
    private Path folder;

    static List<ModelConfig> exportable() {
        ModelConfig half = TestRuns.llama(270, 16, Positions.ROPE_HALF);
        ModelConfig gpt2 = TestRuns.gpt2(270, 16);
        return List.of(half, TestRuns.llama(270, 16, Positions.ROPE_INTERLEAVED),
                new ModelConfig(263, 9, 36, 3, 6, 3, 11, Norm.RMS, NormPlacement.PRE, 1e-6, Positions.ROPE_INTERLEAVED,
                        777, FeedForwardKind.SWIGLU, true, false, 0.25),
                new ModelConfig(263, 9, 36, 1, 2, 1, 11, Norm.RMS, NormPlacement.PRE, 1e-6, Positions.ROPE_HALF, 1e6,
                        FeedForwardKind.SWIGLU, false, false, 0),
                gpt2, new ModelConfig(263, 9, 15, 3, 5, 5, 7, Norm.LAYER, NormPlacement.PRE, 1e-3, Positions.LEARNED,
                        10_000, FeedForwardKind.RELU, true, false, 0.1));
    }

    @ParameterizedTest
    @MethodSource("exportable")
    void exportAndImportGiveTheSameWeightsBitByBit(ModelConfig config) throws IOException {
        SavedModel saved = TestRuns.write(folder.resolve("run"), config, TestRuns.tokenizer(262), 11);
        Exporter.export(saved, folder.resolve("hf"));
        ModelConfig back = Importer.importModel(folder.resolve("hf"), null, folder.resolve("back"));
        assertEquals(config, back);
        SavedModel imported = TestRuns.open(folder.resolve("back"));
        assertEquals(config, imported.config());
        assertEquals(saved.tokenizer().hash(), imported.tokenizer().hash());
        try (SafetensorsFile a = saved.weights(); SafetensorsFile b = imported.weights()) {
            assertEquals(new ArrayList<>(a.names()), new ArrayList<>(b.names()));
            for (String name : a.names()) {
                assertEquals(a.info(name), b.info(name));
                assertEquals(-1, a.tensor(name).data().mismatch(b.tensor(name).data()), name);
            }
        }
        assertArrayEquals(logits(folder.resolve("run"), 9), logits(folder.resolve("back"), 9));
    }

    /** Without the lab's note in the metadata an interleaved model comes back half-split, and must compute the same. */
    @Test
    void theReorderedRowsOfAnInterleavedModelComputeTheSame() throws IOException {
        ModelConfig config = exportable().get(2);
        SavedModel saved = TestRuns.write(folder.resolve("run"), config, TestRuns.tokenizer(262), 11);
        Path exported = folder.resolve("hf");
        Exporter.export(saved, exported);
        Map<String, TensorData> tensors = new LinkedHashMap<>();
        try (SafetensorsFile file = SafetensorsFile.open(exported.resolve("model.safetensors"))) {
            file.names().forEach(name -> tensors.put(name, file.tensor(name)));
            SafetensorsWriter.write(folder.resolve("plain.safetensors"), tensors, Map.of("format", "pt"));
        }
        Files.move(folder.resolve("plain.safetensors"), exported.resolve("model.safetensors"),
                java.nio.file.StandardCopyOption.REPLACE_EXISTING);
        ModelConfig back = Importer.importModel(exported, null, folder.resolve("back"));
        assertEquals(Positions.ROPE_HALF, back.positions());
        assertArrayEquals(logits(folder.resolve("run"), 9), logits(folder.resolve("back"), 9), 2e-6f);
    }

    /** Models made and computed by transformers (make_fixtures.py): the Llama in bfloat16 shards, the GPT-2 whole. */
    @ParameterizedTest
    @ValueSource(strings = {"llama", "gpt2"})
    void aModelOfTransformersGivesItsLogits(String name) throws Exception {
        Path fixture = Path.of(HuggingFaceTest.class.getResource(name).toURI());
        Path tokenizer = folder.resolve("tokenizer.json");
        TestRuns.tokenizer(260).save(tokenizer);
        Importer.importModel(fixture, tokenizer, folder.resolve("run"));
        try (SafetensorsFile expected = SafetensorsFile.open(fixture.resolve("expected.safetensors"))) {
            long[] ids = expected.tensor("ids").data().toArray(ValueLayout.JAVA_LONG);
            float[] logits = expected.tensor("logits").data().toArray(ValueLayout.JAVA_FLOAT);
            assertArrayEquals(logits, logits(folder.resolve("run"), ids), 1e-5f);
        }
    }

    @Test
    void aModelWithoutAClassIsRefusedWithTheOption() throws IOException {
        ModelConfig llama = TestRuns.llama(270, 16, Positions.ROPE_HALF);
        assertObstacle(change(llama, "norm=layer"), "LlamaForCausalLM needs norm rms (found layer)");
        assertObstacle(change(llama, "positions=learned"),
                "needs positions rope_half or rope_interleaved (found learned);");
        assertObstacle(change(llama, "feed_forward=gelu"), "needs feed_forward swiglu (found gelu);");
        assertObstacle(change(llama, "norm_placement=post"), "needs norm_placement pre (found post);");
        ModelConfig gpt2 = TestRuns.gpt2(270, 16);
        assertObstacle(change(gpt2, "bias=false"), "GPT2LMHeadModel needs bias true (found false).");
        assertObstacle(change(gpt2, "kv_heads=2"), "needs kv_heads equal to heads, 4 (found 2).");
        SavedModel saved = TestRuns.write(folder.resolve("run"), change(gpt2, "bias=false"),
                TestRuns.tokenizer(262), 1);
        assertThrows(UserError.class, () -> Exporter.export(saved, folder.resolve("hf")));
        assertFalse(Files.exists(folder.resolve("hf")));
    }

    private static ModelConfig change(ModelConfig config, String override) {
        return Configurations.load(ModelConfig.class, config, null, List.of(Setting.parse(override)));
    }

    private static void assertObstacle(ModelConfig config, String said) {
        UserError error = assertThrows(UserError.class, () -> Exporter.architecture(config));
        assertTrue(error.getMessage().contains(said), error.getMessage());
    }

    @Test
    void whatTheLabsModelLacksIsRefusedByName() {
        assertImportRefused(json -> json.put("model_type", "mamba"), "model_type is mamba");
        assertImportRefused(json -> json.put("hidden_act", "gelu"), "hidden_act \"gelu\"");
        assertImportRefused(json -> json.putObject("rope_scaling").put("rope_type", "llama3").put("factor", 8.0),
                "rope_scaling.rope_type \"llama3\"");
        assertImportRefused(json -> json.putObject("rope_scaling").put("type", "linear"),
                "rope_scaling.type \"linear\"");
        assertImportRefused(json -> json.putObject("rope_parameters").put("rope_type", "yarn"),
                "rope_parameters.rope_type \"yarn\"");
        assertImportRefused(json -> json.putObject("rope_parameters").put("partial_rotary_factor", 0.5),
                "rope_parameters.partial_rotary_factor 0.5");
        assertImportRefused(json -> json.put("head_dim", 8), "head_dim 8");
        assertImportRefused(json -> json.put("attention_bias", true), "mlp_bias");
        assertImportRefused(json -> json.put("pretraining_tp", 2), "pretraining_tp 2");
        assertImportRefused(json -> json.putObject("quantization_config").put("bits", 4), "quantization_config");
        assertImportRefused(json -> json.put("hidden_size", "16"), "hidden_size \"16\"");
        assertImportRefused(json -> json.put("num_key_value_heads", 3), "heads must be a multiple of kv_heads");
        assertImportRefused(json -> json.put("intermediate_size", 25), "mlp.gate_proj.weight", "[24, 16]", "[25, 16]");
        assertImportRefused(json -> json.put("num_hidden_layers", 1), "model.layers.1.", "no place");
        assertImportRefused(json -> json.put("num_hidden_layers", 3), "no tensor model.layers.2.");
        assertImportRefused(json -> json.put("vocab_size", 259), "tokenizer has 260 tokens", "only 259");
    }

    private void assertImportRefused(Consumer<ObjectNode> change, String... said) {
        Path copy = folder.resolve("copy");
        Path run = folder.resolve("run");
        Path tokenizer = folder.resolve("tokenizer.json");
        UserError error;
        try {
            copyFixture("llama", copy);
            TestRuns.tokenizer(260).save(tokenizer);
            JsonNode json = Json.MAPPER.readTree(copy.resolve("config.json").toFile());
            change.accept((ObjectNode) json);
            Json.write(copy.resolve("config.json"), json);
            error = assertThrows(UserError.class, () -> Importer.importModel(copy, tokenizer, run));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        assertEquals(UserError.BAD_INPUT, error.exitCode());
        for (String part : said) {
            assertTrue(error.getMessage().contains(part), error.getMessage());
        }
        assertFalse(Files.exists(run), "nothing half-written");
    }

    private static void copyFixture(String name, Path to) throws IOException {
        Files.createDirectories(to);
        try (Stream<Path> files = Files.list(Path.of(HuggingFaceTest.class.getResource(name).getPath()))) {
            for (Path file : files.toList()) {
                Files.copy(file, to.resolve(file.getFileName()), java.nio.file.StandardCopyOption.REPLACE_EXISTING);
            }
        }
    }

    @Test
    void missingFilesAreSaid() throws IOException {
        Path copy = folder.resolve("copy");
        copyFixture("llama", copy);
        assertMissing(copy, "tokenizer.json");
        TestRuns.tokenizer(260).save(copy.resolve("tokenizer.json"));
        Path shard;
        try (Stream<Path> files = Files.list(copy)) {
            shard = files.filter(file -> file.getFileName().toString().startsWith("model-00002-of-")).findFirst()
                    .orElseThrow();
        }
        Files.delete(shard);
        assertMissing(copy, shard.getFileName().toString());
        Files.writeString(copy.resolve("model.safetensors.index.json"), "{\"weight_map\": {\"a\": \"../b\"}}");
        assertMissing(copy, "'../b'");
        Files.delete(copy.resolve("model.safetensors.index.json"));
        assertMissing(copy, "no model.safetensors");
        Files.writeString(copy.resolve("pytorch_model.bin"), "");
        assertMissing(copy, "only pytorch_model.bin");
        Files.writeString(copy.resolve("config.json"), "{");
        assertMissing(copy, "config.json");
        Files.delete(copy.resolve("config.json"));
        assertMissing(copy, "config.json");
    }

    private void assertMissing(Path model, String said) {
        UserError error = assertThrows(UserError.class, () -> Importer.importModel(model, null, folder.resolve("run")));
        assertTrue(error.getMessage().contains(said), error.getMessage());
        assertFalse(Files.exists(folder.resolve("run")));
    }

    @Test
    void aFolderWithContentIsNotTouched() throws IOException {
        SavedModel saved = TestRuns.write(folder.resolve("run"), TestRuns.gpt2(270, 16), TestRuns.tokenizer(262), 1);
        Path out = Files.createDirectory(folder.resolve("out"));
        Exporter.export(saved, out);
        assertTrue(Files.exists(out.resolve("config.json")), "an empty folder is filled");
        UserError error = assertThrows(UserError.class, () -> Exporter.export(saved, out));
        assertTrue(error.getMessage().contains("not empty"), error.getMessage());
        try (Stream<Path> entries = Files.list(folder)) {
            assertEquals(List.of("out", "run"), entries.map(path -> path.getFileName().toString()).sorted().toList(),
                    "no temporary folder is left");
        }
    }

    private static float[] logits(Path run, int tokens) {
        return logits(run, new Random(2).longs(tokens, 0, 262).toArray());
    }

    private static float[] logits(Path run, long[] ids) {
        try (InferenceModel model = TestRuns.load(run); NDManager scope = model.manager().newSubManager();
                Autograd.Mode off = Autograd.notRecording()) {
            return NativeArrays.floats(model.logits(model.hidden(scope, ids, 1)));
        }
    }
}
