package org.airelab.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.ParameterStore;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.airelab.data.TokenBatch;
import org.airelab.nn.Decoder;
import org.airelab.nn.FlatParameters;
import org.airelab.nn.FusedOps;
import org.airelab.nn.LayerOps;
import org.airelab.nn.ModelConfig;
import org.airelab.nn.TorchOps;
import org.airelab.torch.Aten;
import org.airelab.torch.Autograd;
import org.airelab.torch.NativeArrays;
import org.airelab.torch.ScalarType;

/** A small model with everything training needs, and the same gradients by one graph over the whole of it. */
final class TestModel implements AutoCloseable {
    final NDManager manager = NDManager.newBaseManager();
    final ModelConfig config;
    final Decoder model;
    final FlatParameters flat;
    final ParameterStore store = new ParameterStore(manager, false);
    final LossHead head;
    private final LayerOps ops;

    TestModel(ModelConfig config, Precision precision) {
        this(config, precision, null);
    }

    /** {@code ops} null stands for plain operators; closes the lab's. */
    TestModel(ModelConfig config, Precision precision, LayerOps ops) {
        this.config = config;
        this.ops = ops;
        model = new Decoder(manager, config, precision.kept(), precision.computed(),
                ops == null ? new TorchOps(manager, config, precision.kept()) : ops);
        flat = new FlatParameters(manager, model, precision.kept(), true);
        flat.initialize(1);
        head = new TorchLossHead(manager, model.head(), store);
    }

    static ModelConfig llama() {
        return new ModelConfig(61, 24, 32, 3, 4, 2, 44, ModelConfig.Norm.RMS, ModelConfig.NormPlacement.PRE, 1e-5,
                ModelConfig.Positions.ROPE_HALF, 10_000, ModelConfig.FeedForwardKind.SWIGLU, false, true, 0);
    }

    static ModelConfig gpt2() {
        return new ModelConfig(61, 24, 32, 3, 4, 4, 64, ModelConfig.Norm.LAYER, ModelConfig.NormPlacement.PRE, 1e-5,
                ModelConfig.Positions.LEARNED, 10_000, ModelConfig.FeedForwardKind.GELU, true, true, 0);
    }

    /** The decoder of Vaswani et al. 2017, without its cross-attention. */
    static ModelConfig original() {
        return new ModelConfig(61, 24, 32, 3, 4, 4, 64, ModelConfig.Norm.LAYER, ModelConfig.NormPlacement.POST, 1e-5,
                ModelConfig.Positions.SINUSOIDAL, 10_000, ModelConfig.FeedForwardKind.RELU, true, false, 0);
    }

    static ModelConfig withDropout(ModelConfig c, double dropout) {
        return new ModelConfig(c.vocabSize(), c.contextLength(), c.dim(), c.layers(), c.heads(), c.kvHeads(),
                c.hiddenDim(), c.norm(), c.normPlacement(), c.normEps(), c.positions(), c.ropeTheta(), c.feedForward(),
                c.bias(), c.tieEmbeddings(), dropout);
    }

    static ModelConfig interleaved(ModelConfig c) {
        return new ModelConfig(c.vocabSize(), c.contextLength(), c.dim(), c.layers(), c.heads(), c.kvHeads(),
                c.hiddenDim(), c.norm(), c.normPlacement(), c.normEps(), ModelConfig.Positions.ROPE_INTERLEAVED,
                c.ropeTheta(), c.feedForward(), c.bias(), c.tieEmbeddings(), c.dropout());
    }

    TokenBatch batch(long seed, int batchSize) {
        SplittableRandom random = new SplittableRandom(seed);
        int n = batchSize * config.contextLength();
        return new TokenBatch(batchSize, config.contextLength(),
                random.ints(n, 0, config.vocabSize()).asLongStream().toArray(),
                random.ints(n, 0, config.vocabSize()).asLongStream().toArray());
    }

    /** A batch's rows, each in one of its own. */
    static List<TokenBatch> rows(TokenBatch batch) {
        int time = batch.contextLength();
        return IntStream.range(0, batch.batchSize()).mapToObj(row -> new TokenBatch(1, time,
                Arrays.copyOfRange(batch.inputs(), row * time, (row + 1) * time),
                Arrays.copyOfRange(batch.targets(), row * time, (row + 1) * time))).toList();
    }

    LayerwiseEngine engine(boolean checkpointing) {
        return new LayerwiseEngine(manager, model, store, head, checkpointing, 7);
    }

    float[] gradients() {
        return NativeArrays.floats(flat.gradients());
    }

    double[] gradients64() {
        return flat.gradients().toDoubleArray();
    }

    /** Loss by one graph; with its gradients when {@code backward}. */
    double whole(TokenBatch batch, boolean backward) {
        try (NDManager scope = manager.newSubManager();
                Autograd.Mode mode = backward ? Autograd.recording() : Autograd.notRecording()) {
            NDArray ids = scope.create(batch.inputs(), new Shape(batch.batchSize(), batch.contextLength()));
            NDArray logits = model.forward(store, ids, backward).reshape(-1, config.vocabSize());
            ScalarType wide = flat.weights().getDataType() == ai.djl.ndarray.types.DataType.FLOAT64 ? ScalarType.FLOAT64
                    : ScalarType.FLOAT32;
            NDArray loss = Aten.crossEntropy(scope, Aten.to(scope, logits, wide), scope.create(batch.targets()));
            if (backward) {
                Autograd.backward(loss, loss.onesLike());
            }
            return Aten.to(scope, loss, ScalarType.FLOAT64).getDouble();
        }
    }

    @Override
    public void close() {
        manager.close();
        if (ops instanceof FusedOps fused) {
            fused.close();
        }
    }
}
