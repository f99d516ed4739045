package org.airelab.nn;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.ParameterStore;
import java.util.List;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.airelab.torch.Aten;
import org.airelab.torch.ScalarType;

/**
 * A decoder-only transformer: an embedding, decoder layers, and the output head. The parts are public so that an
 * engine can walk them one by one; {@link #forward} computes them as one graph.
 *
 * <p>One rank of several may have some of the parts only. They have the numbers and the parameters the paths that they
 * have in the whole model.
 */
public final class Decoder extends LayerBlock {
    /** The path of the embedding's matrix, under which a tied head that is on another rank has its copy. */
    public static final String EMBEDDING_MATRIX = "embedding.weight";

    private final ModelConfig config;
    private final ContextDivision division;
    private final TensorDivision tensors;
    private final ScalarType compute;
    private final TokenEmbedding embedding;
    private final NavigableMap<Integer, DecoderLayer> layers = new TreeMap<>();
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
        this(manager, config, type, compute, ops, List.of(Stage.whole(config)), TensorDivision.NONE);
    }

    /**
     * A rank's part of a model; it generates nothing. A head without the embedding that it is tied to has a copy of its
     * matrix, the first of the parameters as the embedding's would be.
     *
     * @param ops     of the same division
     * @param stages  that it has, first to last
     * @param tensors how layers are divided
     * @throws org.airelab.base.UserError where the model cannot be divided so
     */
    public Decoder(NDManager manager, ModelConfig config, ScalarType type, ScalarType compute, LayerOps ops,
            List<Stage> stages, TensorDivision tensors) {
        tensors.require(config, type);
        this.config = config;
        this.compute = compute;
        this.tensors = tensors;
        division = ops.division();
        TorchOps plain = ops instanceof TorchOps torch ? torch : new TorchOps(manager, config, type, tensors);
        boolean embeds = stages.stream().anyMatch(Stage::embeds);
        boolean predicts = stages.stream().anyMatch(Stage::predicts);
        TokenEmbedding matrix = embeds || predicts && config.tieEmbeddings()
                ? child("embedding", new TokenEmbedding(manager, config, ops, tensors, compute, !embeds)) : null;
        embedding = embeds ? matrix : null;
        for (Stage stage : stages) {
            for (int part = stage.firstLayer(); part < stage.endOfLayers(); part++) {
                layers.put(part - 1,
                        child(Stage.name(part, config.layers()), new DecoderLayer(config, tensors, ops, plain)));
            }
        }
        head = predicts ? child("head", new OutputHead(config, tensors, ops, matrix == null ? null : matrix.weight()))
                : null;
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

    /** Tokens of a sequence of {@code time} in the stream between two layers here. */
    public int streamed(int time) {
        return division.share(time) / (tensors.dividesTime() ? tensors.ranks() : 1);
    }

    /** Which tokens of a sequence the model is given here. */
    public ContextDivision division() {
        return division;
    }

    /** The type layers compute in, and what passes between them has. */
    public ScalarType compute() {
        return compute;
    }

    /** The first part: ids to vectors; null where another rank has it. */
    public TokenEmbedding embedding() {
        return embedding;
    }

    /** The layers between embedding and head that are here, first to last. */
    public List<DecoderLayer> layers() {
        return List.copyOf(layers.values());
    }

    /** A layer by its number in the whole model, 0 for the first; null where another rank has it. */
    public DecoderLayer layer(int number) {
        return layers.get(number);
    }

    /** The last part: vectors to logits; null where another rank has it. */
    public OutputHead head() {
        return head;
    }

    /** ids [batch, time] to logits [batch, time, vocabulary]; of a divided model to this rank's. */
    @Override
    public NDArray forward(ParameterStore parameters, NDArray ids, boolean training) {
        NDArray x = embedding.forward(parameters, ids, training);
        for (DecoderLayer layer : layers.values()) {
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
