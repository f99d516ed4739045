package org.airelab.hf;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.airelab.base.AtomicFolders;
import org.airelab.base.Json;
import org.airelab.base.UserError;
import org.airelab.checkpoint.SafetensorsFile;
import org.airelab.model.SavedModel;
import org.airelab.nn.ModelConfig;
import org.airelab.tokenizer.Tokenizer;

/** Writes a run's model as a folder that {@code AutoModelForCausalLM} and {@code AutoTokenizer} load. */
final class Exporter {
    /** In the weights' metadata: what the model's positions were, where the class's differ. */
    static final String POSITIONS = "airelab.positions";

    private Exporter() {
    }

    /**
     * Exports.
     *
     * @param folder a folder that is new or empty; it is there complete or not at all
     * @return the class it was exported as
     * @throws UserError (bad input) naming the options for which there is no class
     */
    static Architecture export(SavedModel saved, Path folder) throws IOException {
        Architecture architecture = architecture(saved.config());
        AtomicFolders.write(folder, temporary -> {
            writeWeights(saved, architecture, temporary.resolve(HuggingFaceWeights.WHOLE));
            Json.write(temporary.resolve("config.json"), config(saved, architecture));
            Json.write(temporary.resolve("generation_config.json"), generationConfig(saved.tokenizer()));
            saved.tokenizer().save(temporary.resolve(SavedModel.TOKENIZER));
            Json.write(temporary.resolve("tokenizer_config.json"), tokenizerConfig(saved));
        });
        return architecture;
    }

    /** The class that can hold a model. */
    static Architecture architecture(ModelConfig config) {
        List<String> needs = new ArrayList<>();
        for (Architecture candidate : Architecture.ALL) {
            List<String> obstacles = candidate.obstacles(config);
            if (obstacles.isEmpty()) {
                return candidate;
            }
            needs.add(candidate.className() + " needs " + String.join(", ", obstacles));
        }
        throw UserError.badInput("Hugging Face's transformers has no class for this model: "
                + String.join("; ", needs) + ".", "Export a model whose options are those of one of these classes.");
    }

    private static void writeWeights(SavedModel saved, Architecture architecture, Path file) throws IOException {
        Map<String, String> metadata = new LinkedHashMap<>();
        metadata.put("format", "pt");
        if (saved.config().positions() == ModelConfig.Positions.ROPE_INTERLEAVED) {
            metadata.put(POSITIONS, "rope_interleaved");
        }
        try (SafetensorsFile weights = saved.weights(); FileChannel out = FileChannel.open(file,
                StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            LazyTensor.write(out, Correspondence.export(architecture.tensors(saved.config()),
                    name -> LazyTensor.of(weights.tensor(name))), metadata);
            out.force(true);
        }
    }

    private static Map<String, Object> config(SavedModel saved, Architecture architecture) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("architectures", List.of(architecture.className()));
        json.put("model_type", architecture.modelType());
        json.putAll(architecture.describe(saved.config()));
        putMarks(json, saved.tokenizer());
        json.put("torch_dtype", "float32");
        return json;
    }

    /** Explicit nulls where there is no such token: the classes have defaults of their own. */
    private static void putMarks(Map<String, Object> json, Tokenizer tokenizer) {
        OptionalInt mark = tokenizer.specialId(Tokenizer.END_OF_TEXT);
        json.put("bos_token_id", mark.isPresent() ? mark.getAsInt() : null);
        json.put("eos_token_id", mark.isPresent() ? mark.getAsInt() : null);
    }

    private static Map<String, Object> generationConfig(Tokenizer tokenizer) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("_from_model_config", true);
        putMarks(json, tokenizer);
        return json;
    }

    private static Map<String, Object> tokenizerConfig(SavedModel saved) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("tokenizer_class", "PreTrainedTokenizerFast");
        json.put("model_max_length", saved.config().contextLength());
        json.put("clean_up_tokenization_spaces", false);
        if (saved.tokenizer().specialId(Tokenizer.END_OF_TEXT).isPresent()) {
            json.put("bos_token", Tokenizer.END_OF_TEXT);
            json.put("eos_token", Tokenizer.END_OF_TEXT);
        }
        return json;
    }
}
