package org.airelab.nn;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.ParameterStore;
import java.util.ArrayList;
import java.util.List;
import org.airelab.torch.Aten;
import org.airelab.torch.ScalarType;

/**
 * A decoder-only transformer: an embedding, decoder layers, and the output head. The parts are public so that an
 * engine can walk them one by one; {@link #forward} computes them as one graph.
 */
public final class Decoder extends LayerBlock {
    private final ModelConfig config;
    private final TokenEmbedding embedding;
    private final List<DecoderLayer> layers = new ArrayList<>();
    private final OutputHead head;

    /**
     * A model without memory for its parameters; see {@link FlatParameters}.
     *
     * @param manager owns fixed tables; its device is the model's
     * @param type    the type parameters are kept in
     * @param compute the type layers compute in
     * @param ops     computes training's operations
     */
    public Decoder(NDManager manager, ModelConfig config, ScalarType type, ScalarType compute, LayerOps ops) {
        this(manager, config, type, compute, ops, TensorDivision.NONE);
    }

    /**
     * A rank's part of a divided model; it generates nothing.
     *
     * @param ops of the same division
     * @throws org.airelab.base.UserError where the model cannot be divided so
     */
    public Decoder(NDManager manager, ModelConfig config, ScalarType type, ScalarType compute, LayerOps ops,
            TensorDivision division) {
        division.require(config, type);
        this.config = config;
        TorchOps plain = ops instanceof TorchOps torch ? torch : new TorchOps(manager, config, type, division);
        embedding = child("embedding", new TokenEmbedding(manager, config, division, compute));
        for (int i = 0; i < config.layers(); i++) {
            layers.add(child("layers." + i, new DecoderLayer(config, division, ops, plain)));
        }
        head = child("head", new OutputHead(config, division, ops, embedding.weight()));
    }

    /**
     * Standard deviation of fresh weights: sqrt(2 / (5 dim)), "SmallInit" of Nguyen and Salazar (2019), section 2.2. At
     * GPT-2's width of 768 it is GPT-2's 0.02; narrow models, for which 0.02 is too small, learn faster with it.
     */
    static double initStd(ModelConfig config) {
        return Math.sqrt(2.0 / (5.0 * config.dim()));
    }

    /** What the model was built from. */
    public ModelConfig config() {
        return config;
    }

    /** The first part: ids to vectors. */
    public TokenEmbedding embedding() {
        return embedding;
    }

    /** The layers between embedding and head, first to last. */
    public List<DecoderLayer> layers() {
        return List.copyOf(layers);
    }

    /** The last part: vectors to logits. */
    public OutputHead head() {
        return head;
    }

    /** ids [batch, time] to logits [batch, time, vocabulary]; of a divided model to this rank's. */
    @Override
    public NDArray forward(ParameterStore parameters, NDArray ids, boolean training) {
        NDArray x = embedding.forward(parameters, ids, training);
        for (DecoderLayer layer : layers) {
            x = layer.forward(parameters, x, training);
        }
        return head.forward(parameters, x, training);
    }

    /**
     * Logits [batch, 1, vocabulary] of the token after the last of ids [batch, time], which follow those in the cache;
     * the cache takes them in.
     */
    public NDArray next(ParameterStore parameters, NDArray ids, KeyValueCache cache) {
        int time = (int) ids.getShape().get(1);
        NDArray x = embedding.forward(parameters, ids, cache.length(), false);
        for (int i = 0; i < layers.size(); i++) {
            x = layers.get(i).forward(parameters, x, cache, i);
        }
        cache.advance(time);
        return head.forward(parameters, Aten.narrow(x.getManager(), x, 1, time - 1, 1), false);
    }

    @Override
    public Shape[] getOutputShapes(Shape[] inputs) {
        return new Shape[] {inputs[0].add(config.vocabSize())};
    }
}
