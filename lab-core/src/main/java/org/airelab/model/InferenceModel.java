package org.airelab.model;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.ParameterStore;
import java.util.Arrays;
import org.airelab.checkpoint.SafetensorsFile;
import org.airelab.nn.Decoder;
import org.airelab.nn.DecoderLayer;
import org.airelab.nn.FlatParameters;
import org.airelab.nn.KeyValueCache;
import org.airelab.nn.ModelConfig;
import org.airelab.nn.ModelTensors;
import org.airelab.nn.TorchOps;
import org.airelab.tokenizer.Tokenizer;
import org.airelab.torch.Autograd;
import org.airelab.torch.NativeArrays;
import org.airelab.torch.ScalarType;

/** A model in a device's memory, ready to predict. Its weights are kept, and its layers compute, in one type. */
public final class InferenceModel implements AutoCloseable {
    private final ModelConfig config;
    private final Tokenizer tokenizer;
    private final ScalarType type;
    private final NDManager manager;
    private final Decoder decoder;
    private final ParameterStore parameters;

    /**
     * Loads a model.
     *
     * @param type float32, or bfloat16 or float16 for half the memory
     * @throws org.airelab.base.UserError (bad input) when the weights are not those of the configuration
     */
    public InferenceModel(SavedModel saved, Device device, ScalarType type) {
        this.config = saved.config();
        this.tokenizer = saved.tokenizer();
        this.type = type;
        this.manager = NDManager.newBaseManager(device);
        try (SafetensorsFile weights = saved.weights(); Autograd.Mode off = Autograd.notRecording()) {
            decoder = new Decoder(manager, config, type, type, new TorchOps(manager, config, type));
            ModelTensors.restore(new FlatParameters(manager, decoder, type, false), weights);
            parameters = new ParameterStore(manager, false);
        } catch (RuntimeException e) {
            manager.close();
            throw e;
        }
    }

    /** The model's shape and arithmetic. */
    public ModelConfig config() {
        return config;
    }

    /** The model's tokenizer. */
    public Tokenizer tokenizer() {
        return tokenizer;
    }

    /** Tokens that can be predicted: the tokenizer's. (A model's vocabulary is often padded beyond it.) */
    public int vocabularySize() {
        return tokenizer.vocabularySize();
    }

    /** Where arrays of this model live; for scopes of one's own. */
    public NDManager manager() {
        return manager;
    }

    /** An empty cache for {@code batch} sequences. */
    public KeyValueCache cache(int batch) {
        return new KeyValueCache(manager, config, type, batch);
    }

    /**
     * Reads tokens behind those in the cache and predicts the next.
     *
     * @param ids [batch, time], row-major
     * @return logits [batch][vocabularySize] of the token after the last
     */
    public float[][] next(long[] ids, KeyValueCache cache, int batch) {
        try (NDManager scope = manager.newSubManager(); Autograd.Mode off = Autograd.notRecording()) {
            NDArray input = scope.create(ids, new Shape(batch, ids.length / batch));
            float[] logits = NativeArrays.floats(decoder.next(parameters, input, cache));
            float[][] rows = new float[batch][];
            for (int i = 0; i < batch; i++) {
                int start = i * config.vocabSize();
                rows[i] = Arrays.copyOfRange(logits, start, start + vocabularySize());
            }
            return rows;
        }
    }

    /**
     * What the output head sees for whole sequences without a cache: ids [batch, time], row-major, to
     * [batch, time, dim]. The result belongs to {@code outer}, a child of {@link #manager()}; what the layers leave
     * behind is freed one by one.
     */
    public NDArray hidden(NDManager outer, long[] ids, int batch) {
        NDManager scope = outer.newSubManager();
        NDArray input = scope.create(ids, new Shape(batch, ids.length / batch));
        NDArray x = decoder.embedding().forward(parameters, input, false);
        for (DecoderLayer layer : decoder.layers()) {
            NDManager next = outer.newSubManager();
            x = layer.forward(parameters, Autograd.leaf(next, x), false);
            scope.close();
            scope = next;
        }
        x.attach(outer);
        scope.close();
        return x;
    }

    /** Float32 logits [..., config().vocabSize()] of hidden vectors [..., dim]; the result belongs to their manager. */
    public NDArray logits(NDArray hidden) {
        return NativeArrays.convert(hidden.getManager(), decoder.head().forward(parameters, hidden, false),
                ScalarType.FLOAT32);
    }

    @Override
    public void close() {
        manager.close();
    }
}
