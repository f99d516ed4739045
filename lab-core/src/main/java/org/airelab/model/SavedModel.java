package org.airelab.model;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import org.airelab.base.AtomicFiles;
import org.airelab.base.IoReasons;
import org.airelab.base.UserError;
import org.airelab.checkpoint.Checkpoint;
import org.airelab.checkpoint.CheckpointStore;
import org.airelab.checkpoint.SafetensorsFile;
import org.airelab.config.Configurations;
import org.airelab.nn.ModelConfig;
import org.airelab.tokenizer.Tokenizer;

/**
 * A model in a run's folder: {@value #CONFIG}, {@value #TOKENIZER}, and {@value #WEIGHTS} of one checkpoint, whose
 * tensors are named by {@link org.airelab.nn.ParameterSpec#path()}.
 *
 * @param run        the run's folder
 * @param config     the model's shape and arithmetic
 * @param tokenizer  its tokenizer
 * @param checkpoint the checkpoint, verified
 */
public record SavedModel(Path run, ModelConfig config, Tokenizer tokenizer, Checkpoint checkpoint) {
    /** The model's configuration. */
    public static final String CONFIG = "model.yaml";
    /** The tokenizer, in Hugging Face's format. */
    public static final String TOKENIZER = "tokenizer.json";
    /** The weights in a checkpoint's folder. */
    public static final String WEIGHTS = "model.safetensors";
    /** Names the newest checkpoint that is whole. */
    public static final String LATEST = "latest";

    private static final String BEST = "best";

    /**
     * Finds a run's model.
     *
     * @param which {@code latest}, {@code best} (the lowest validation loss) or a step's number
     * @param warn  is told in one sentence about each checkpoint that was passed over because it is damaged
     * @throws UserError (bad input) when something of it is missing or damaged, or model and tokenizer do not fit
     */
    public static SavedModel open(Path run, String which, Consumer<String> warn) {
        if (!Files.isRegularFile(run.resolve(CONFIG))) {
            throw UserError.badInput("There is no run at " + run + ": "
                    + (Files.isDirectory(run) ? "it holds no " + CONFIG
                    : Files.exists(run) ? "it is a file" : "no such folder") + ".",
                    "Name a folder that lab pretrain or lab import wrote.");
        }
        ModelConfig config = Configurations.load(ModelConfig.class, null, run.resolve(CONFIG), List.of());
        Tokenizer tokenizer = tokenizer(run.resolve(TOKENIZER));
        if (tokenizer.vocabularySize() > config.vocabSize()) {
            throw UserError.badInput("The tokenizer of " + run + " has " + tokenizer.vocabularySize()
                    + " tokens, its model only " + config.vocabSize() + ".",
                    "Restore the run's own " + TOKENIZER + ".");
        }
        return new SavedModel(run, config, tokenizer, checkpoint(run, which, warn));
    }

    private static Tokenizer tokenizer(Path file) {
        try {
            return Tokenizer.load(file);
        } catch (IOException e) {
            throw UserError.badInput("The run's tokenizer " + file + " could not be read: "
                    + IoReasons.of(e) + ".", "Restore that file.", e);
        }
    }

    private static Checkpoint checkpoint(Path run, String which, Consumer<String> warn) {
        CheckpointStore store = new CheckpointStore(run, 1);
        Optional<Checkpoint> found = switch (which) {
            case LATEST -> store.latest(warn);
            case BEST -> store.best(warn);
            default -> Optional.of(store.at(step(which)));
        };
        return found.orElseThrow(() -> UserError.badInput("The run " + run + " has no " + which
                + " checkpoint that is whole" + (which.equals(BEST) ? "; there are steps " + store.steps() : "") + ".",
                which.equals(BEST) ? "Use --checkpoint " + LATEST + " or the number of a step."
                        : "Train it until its first checkpoint."));
    }

    private static long step(String which) {
        if (!which.matches("\\d{1,18}")) {
            throw UserError.badInput("There is no checkpoint '" + which + "'; checkpoints are " + LATEST + ", " + BEST
                    + " and the numbers of steps.", "Use one of these.");
        }
        return Long.parseLong(which);
    }

    /** Opens the weights; the caller closes them. */
    public SafetensorsFile weights() {
        return SafetensorsFile.open(checkpoint.file(WEIGHTS));
    }

    /**
     * Writes a folder that {@link #open} reads, with one checkpoint.
     *
     * @param weights writes {@value #WEIGHTS}
     */
    public static void write(Path run, ModelConfig config, Tokenizer tokenizer, long step,
            CheckpointStore.FileWriter weights) throws IOException {
        AtomicFiles.writeString(run.resolve(CONFIG), Configurations.toYaml(config));
        tokenizer.save(run.resolve(TOKENIZER));
        new CheckpointStore(run, 1).save(step, Map.of(WEIGHTS, weights));
    }
}
