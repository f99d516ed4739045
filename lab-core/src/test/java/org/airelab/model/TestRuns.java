package org.airelab.model;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import org.airelab.nn.Decoder;
import org.airelab.nn.FlatParameters;
import org.airelab.nn.ModelConfig;
import org.airelab.nn.ModelConfig.FeedForwardKind;
import org.airelab.nn.ModelConfig.Norm;
import org.airelab.nn.ModelConfig.NormPlacement;
import org.airelab.nn.ModelConfig.Positions;
import org.airelab.nn.ModelTensors;
import org.airelab.nn.TorchOps;
import org.airelab.tokenizer.BpeTrainer;
import org.airelab.tokenizer.Tokenizer;
import org.airelab.torch.ScalarType;

/** Runs with fresh models, for tests of what is done with a model. */
public final class TestRuns {
    private static final String TEXT =
            "Once upon a time there was a little girl named Lily. She saw a cat; the cat saw her.";

    private TestRuns() {
    }

    /** A tokenizer of the 256 bytes, the end of text, and merges up to {@code size} tokens. */
    public static Tokenizer tokenizer(int size) {
        return new BpeTrainer(size, List.of(Tokenizer.END_OF_TEXT), 1, false).train(List.of(TEXT).iterator());
    }

    /** A small Llama. */
    public static ModelConfig llama(int vocabulary, int context, Positions positions) {
        return new ModelConfig(vocabulary, context, 24, 2, 6, 2, 40, Norm.RMS, NormPlacement.PRE, 1e-5, positions,
                10_000, FeedForwardKind.SWIGLU, false, true, 0);
    }

    /** A small GPT-2. */
    public static ModelConfig gpt2(int vocabulary, int context) {
        return new ModelConfig(vocabulary, context, 24, 2, 4, 4, 96, Norm.LAYER, NormPlacement.PRE, 1e-5,
                Positions.LEARNED, 10_000, FeedForwardKind.GELU, true, true, 0);
    }

    /** A run with a model whose weights, biases and norms too, are random and large enough for outputs to differ. */
    public static SavedModel write(Path run, ModelConfig config, Tokenizer tokenizer, long seed) {
        try (NDManager manager = NDManager.newBaseManager(Device.cpu())) {
            ScalarType type = ScalarType.FLOAT32;
            FlatParameters parameters = new FlatParameters(manager,
                    new Decoder(manager, config, type, type, new TorchOps(manager, config, type)), type, false);
            parameters.initialize(seed);
            manager.getEngine().setRandomSeed((int) seed);
            parameters.weights().addi(manager.randomNormal(0, 0.1f, parameters.weights().getShape(),
                    parameters.weights().getDataType()));
            SavedModel.write(run, config, tokenizer, 7,
                    out -> ModelTensors.write(out, parameters, parameters.weights()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return open(run);
    }

    /** The latest model of a run, without a damaged checkpoint. */
    public static SavedModel open(Path run) {
        return SavedModel.open(run, SavedModel.LATEST, warning -> {
            throw new AssertionError(warning);
        });
    }

    /** A run's model in float32 on the CPU. */
    public static InferenceModel load(Path run) {
        return new InferenceModel(open(run), Device.cpu(), ScalarType.FLOAT32);
    }
}
