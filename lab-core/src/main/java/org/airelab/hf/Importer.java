package org.airelab.hf;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.airelab.base.AtomicFolders;
import org.airelab.base.IoReasons;
import org.airelab.base.UserError;
import org.airelab.model.SavedModel;
import org.airelab.nn.ModelConfig;
import org.airelab.nn.ModelConfig.Positions;
import org.airelab.tokenizer.Tokenizer;

/** Writes a run from a folder that {@code save_pretrained} wrote. */
final class Importer {
    private Importer() {
    }

    /**
     * Imports; weights become float32.
     *
     * @param folder        with config.json, weights in safetensors, and a tokenizer
     * @param tokenizerJson a tokenizer to use instead of the folder's, or null
     * @param run           a folder that is new or empty; it is there complete or not at all
     * @return what was imported
     * @throws UserError (bad input) naming what the lab's model does not have, or what is missing or does not fit
     */
    static ModelConfig importModel(Path folder, Path tokenizerJson, Path run) throws IOException {
        ConfigJson json = ConfigJson.read(folder.resolve("config.json"));
        Architecture architecture = architecture(json);
        json.requireAbsent("quantization_config");
        ModelConfig described = architecture.read(json);
        Tokenizer tokenizer = tokenizer(folder, tokenizerJson);
        if (tokenizer.vocabularySize() > described.vocabSize()) {
            throw UserError.badInput("The tokenizer has " + tokenizer.vocabularySize() + " tokens, the model of "
                    + folder + " only " + described.vocabSize() + ".",
                    "Give the model's own tokenizer with --tokenizer.");
        }
        try (HuggingFaceWeights weights = new HuggingFaceWeights(folder, architecture)) {
            ModelConfig config = withOriginalPositions(described, weights);
            Map<String, LazyTensor> tensors = Correspondence.importAll(architecture.tensors(config), weights::take);
            weights.requireAllUsed(config.tieEmbeddings());
            AtomicFolders.write(run, temporary -> SavedModel.write(temporary, config, tokenizer, 0,
                    out -> LazyTensor.write(out, tensors, Map.of())));
            return config;
        }
    }

    private static Architecture architecture(ConfigJson json) {
        String type = json.text("model_type", "none");
        for (Architecture candidate : Architecture.ALL) {
            if (candidate.modelType().equals(type)) {
                return candidate;
            }
        }
        throw UserError.badInput("The model's model_type is " + type + "; the lab can import "
                + Architecture.ALL.stream().map(Architecture::modelType).collect(Collectors.joining(" and ")) + ".",
                "Import a model of one of these kinds.");
    }

    /** A model that the lab exported gets its rotary layout back, and so its weights bit by bit. */
    private static ModelConfig withOriginalPositions(ModelConfig c, HuggingFaceWeights weights) {
        boolean interleaved = c.rotary()
                && weights.metadata(Exporter.POSITIONS).filter("rope_interleaved"::equals).isPresent();
        return interleaved ? new ModelConfig(c.vocabSize(), c.contextLength(), c.dim(), c.layers(), c.heads(),
                c.kvHeads(), c.hiddenDim(), c.norm(), c.normPlacement(), c.normEps(), Positions.ROPE_INTERLEAVED,
                c.ropeTheta(), c.feedForward(), c.bias(), c.tieEmbeddings(), c.dropout()) : c;
    }

    private static Tokenizer tokenizer(Path folder, Path given) {
        Path json = given == null ? folder.resolve(SavedModel.TOKENIZER) : given;
        Path vocabulary = folder.resolve("vocab.json");
        Path merges = folder.resolve("merges.txt");
        try {
            if (given == null && !Files.exists(json) && Files.exists(vocabulary) && Files.exists(merges)) {
                return Tokenizer.load(vocabulary, merges, List.of(Tokenizer.END_OF_TEXT));
            }
            return Tokenizer.load(json);
        } catch (IOException e) {
            throw UserError.badInput("The tokenizer " + json + " could not be read: " + IoReasons.of(e) + ".",
                    "Give the model's tokenizer.json with --tokenizer.", e);
        }
    }
}
