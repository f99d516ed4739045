package org.airelab.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.jni.JniUtils;
import ai.djl.training.ParameterStore;
import java.util.List;
import java.util.function.IntConsumer;
import org.airelab.data.TokenBatch;
import org.airelab.nn.Decoder;
import org.airelab.nn.DecoderLayer;
import org.airelab.torch.Aten;
import org.airelab.torch.Autograd;

/**
 * Walks a model layer by layer, forward and backward. Between two layers the autograd graph is cut: the activation
 * goes on as a detached leaf, and in the backward pass that leaf's gradient starts the layer below. Each layer's
 * arrays live in a scope of their own, which closes right after its backward pass.
 */
public final class LayerwiseEngine {
    private final NDManager manager;
    private final Decoder model;
    private final ParameterStore parameters;
    private final LossHead head;
    private final boolean checkpointing;
    private final long seed;

    /**
     * @param manager       parent of all scopes; its device is the model's
     * @param checkpointing keep only the cuts and compute each layer again in the backward pass (Chen et al. 2016)
     * @param seed          of dropout
     */
    public LayerwiseEngine(NDManager manager, Decoder model, ParameterStore parameters, LossHead head,
            boolean checkpointing, long seed) {
        this.manager = manager;
        this.model = model;
        this.parameters = parameters;
        this.head = head;
        this.checkpointing = checkpointing;
        this.seed = seed;
    }

    /** What a layer leaves for its backward pass. */
    private record Cut(NDManager scope, NDArray leaf, NDArray out) {
    }

    /**
     * One forward and backward pass; gradients are added to those the parameters have. The loss is asked of the head.
     *
     * @param scale     factor of the differentiated loss
     * @param passIndex number of this pass in the run: it decides dropout's masks
     */
    public void forwardBackward(TokenBatch batch, double scale, long passIndex) {
        forwardBackward(batch, scale, passIndex, part -> { });
    }

    /**
     * The same.
     *
     * @param passed told of each part of the model when the backward pass has left it, so that what this pass adds to
     *               the gradients of its parameters is there: the head, number {@code layers + 1}, then the layers,
     *               {@code layers} to 1, then the embedding, 0, whose parameters may be the head's, too
     */
    public void forwardBackward(TokenBatch batch, double scale, long passIndex, IntConsumer passed) {
        List<DecoderLayer> layers = model.layers();
        Cut[] cuts = new Cut[layers.size() + 1];
        NDManager headScope = manager.newSubManager();
        try {
            // First: the host waits for a copy until the device has done what was asked of it before.
            Targets targets = Targets.of(headScope, batch.targets());
            NDArray x = embed(batch, cuts, passIndex);
            for (int i = 0; i < layers.size(); i++) {
                cuts[i + 1] = forward(layers.get(i), x, i, passIndex);
                x = cuts[i + 1].out;
            }
            NDArray gradient;
            try (Autograd.Mode recording = Autograd.recording()) {
                gradient = head.forwardBackward(Autograd.leaf(headScope, x), targets, scale);
            }
            passed.accept(cuts.length);
            backward(cuts, gradient, headScope, passIndex, passed);
        } finally {
            headScope.close();
            for (Cut cut : cuts) {
                if (cut != null) {
                    cut.scope.close();
                }
            }
        }
    }

    private NDArray embed(TokenBatch batch, Cut[] cuts, long passIndex) {
        NDManager scope = manager.newSubManager();
        cuts[0] = new Cut(scope, null, null);
        seedDropout(passIndex, -1);
        try (Autograd.Mode recording = Autograd.recording()) {
            NDArray x = model.embedding().forward(parameters, ids(scope, batch), true);
            cuts[0] = new Cut(scope, null, x);
            return x;
        }
    }

    private Cut forward(DecoderLayer layer, NDArray x, int index, long passIndex) {
        NDManager scope = manager.newSubManager();
        NDArray leaf = Autograd.leaf(scope, x);
        if (!checkpointing) {
            return new Cut(scope, leaf, compute(layer, leaf, index, passIndex));
        }
        NDManager temporary = manager.newSubManager();
        try (temporary; Autograd.Mode off = Autograd.notRecording()) {
            NDArray input = Autograd.leaf(temporary, x);
            seedDropout(passIndex, index);
            NDArray out = layer.forward(parameters, input, true);
            out.attach(scope);
            return new Cut(scope, leaf, out);
        }
    }

    private NDArray compute(DecoderLayer layer, NDArray leaf, int index, long passIndex) {
        seedDropout(passIndex, index);
        try (Autograd.Mode recording = Autograd.recording()) {
            return layer.forward(parameters, leaf, true);
        }
    }

    private void backward(Cut[] cuts, NDArray headGradient, NDManager headScope, long passIndex, IntConsumer passed) {
        try (NDManager gradients = manager.newSubManager()) {
            headGradient.attach(gradients);
            headScope.close();
            NDArray gradient = headGradient;
            for (int i = cuts.length - 1; i >= 1; i--) {
                Cut cut = cuts[i];
                NDArray out = checkpointing ? compute(model.layers().get(i - 1), cut.leaf, i - 1, passIndex) : cut.out;
                Autograd.backward(out, gradient);
                NDArray below = Autograd.gradient(gradients, cut.leaf);
                gradient.close();
                gradient = below;
                cut.scope.close();
                passed.accept(i);
            }
            Autograd.backward(cuts[0].out, gradient);
            passed.accept(0);
        }
    }

    /** Recomputation must meet the same masks, and so must a resumed run: each layer of each pass has its own seed. */
    private void seedDropout(long passIndex, int layer) {
        if (model.config().dropout() > 0) {
            JniUtils.setSeed(dropoutSeed(seed, passIndex, layer));
        }
    }

    /** Mixed one by one: of sums, such as seed + passIndex, two runs of neighbouring seeds would share almost all. */
    static long dropoutSeed(long seed, long passIndex, int layer) {
        return mix(mix(mix(seed) ^ passIndex) + layer);
    }

    /** SplitMix64's finalizer (Steele et al. 2014). */
    private static long mix(long z) {
        z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
        z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
        return z ^ (z >>> 31);
    }

    /** Sum of the losses in nats over all positions of a batch whose target counts, without gradients. */
    public double evaluate(TokenBatch batch) {
        try (Autograd.Mode off = Autograd.notRecording(); NDManager outer = manager.newSubManager()) {
            NDArray x = model.embedding().forward(parameters, ids(outer.newSubManager(), batch), false);
            for (DecoderLayer layer : model.layers()) {
                x = next(outer, layer, x);
            }
            return head.evaluate(x, Targets.of(x.getManager(), batch.targets()));
        }
    }

    /** A layer's output, in a scope of its own within {@code outer}; the scope of {@code x} is closed. */
    private NDArray next(NDManager outer, DecoderLayer layer, NDArray x) {
        NDArray input = Autograd.leaf(outer.newSubManager(), x);
        x.getManager().close();
        return layer.forward(parameters, input, false);
    }

    /** The first layer whose output is not finite for this batch, by name; null when all are. */
    public String firstNonFinite(TokenBatch batch) {
        try (Autograd.Mode off = Autograd.notRecording(); NDManager outer = manager.newSubManager()) {
            NDArray x = model.embedding().forward(parameters, ids(outer.newSubManager(), batch), false);
            if (!Aten.allFinite(x)) {
                return "embedding";
            }
            for (int i = 0; i < model.layers().size(); i++) {
                x = next(outer, model.layers().get(i), x);
                if (!Aten.allFinite(x)) {
                    return "layers." + i;
                }
            }
            return Double.isFinite(head.evaluate(x, Targets.of(x.getManager(), batch.targets()))) ? null : "head";
        }
    }

    private static NDArray ids(NDManager scope, TokenBatch batch) {
        return scope.create(batch.inputs(), new Shape(batch.batchSize(), batch.contextLength()));
    }
}
