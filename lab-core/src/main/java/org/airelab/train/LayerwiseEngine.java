package org.airelab.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.jni.JniUtils;
import ai.djl.training.ParameterStore;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntConsumer;
import org.airelab.data.TokenBatch;
import org.airelab.nn.Decoder;
import org.airelab.nn.DecoderLayer;
import org.airelab.nn.ModelConfig;
import org.airelab.nn.Stage;
import org.airelab.torch.Aten;
import org.airelab.torch.Autograd;
import org.airelab.torch.Tensor;

/**
 * Walks a model layer by layer, forward and backward. Between two layers the autograd graph is cut: the activation
 * goes on as a detached leaf, and in the backward pass that leaf's gradient starts the layer below. Each layer's
 * arrays live in a scope of their own, which closes right after its backward pass.
 *
 * <p>Batches are of whole sequences; where ranks share each sequence ({@link Decoder#division}), the engine takes this
 * rank's tokens of them, and all those ranks walk at the same time.
 */
public final class LayerwiseEngine {
    private final NDManager manager;
    private final Decoder model;
    private final ParameterStore parameters;
    private final LossHead head;
    private final boolean checkpointing;
    private final long seed;
    private PartTurns turns;

    /**
     * @param manager       parent of all scopes; its device is the model's
     * @param head          null where the model's is on another rank
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
        this.turns = new PartTurns(PartMemory.KEPT, model.config());
    }

    /** Tells somebody of each part from now on, so that it is in memory. */
    public void keepPartsIn(PartMemory partMemory) {
        turns = new PartTurns(partMemory, model.config());
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
        try (Pass pass = forward(Stage.whole(model.config()), batch, null, passIndex)) {
            backward(pass, null, scale, passed);
        }
    }

    /**
     * A forward pass through a stage, all but the head of the one that has it: its loss is computed with its gradients.
     *
     * @param batch read by the stages with the embedding and the head
     * @param x     what the stage below gave, [batch, time, dim], which stays the caller's and may be closed; not read
     *              by the stage with the embedding
     */
    public Pass forward(Stage stage, TokenBatch batch, NDArray x, long passIndex) {
        Pass pass = new Pass(stage, passIndex, checkpointing);
        try {
            if (stage.predicts()) {
                // First: the host waits for a copy until the device has done what was asked of it before.
                pass.headScope = manager.newSubManager();
                pass.targets = targets(pass.headScope, batch);
            }
            NDArray out = x;
            for (int part = stage.from(); part < stage.endOfLayers(); part++) {
                turns.comeTo(part, part + 1, stage);
                out = part == 0 ? embed(pass, batch) : forward(pass, part, out);
            }
            pass.out = stage.predicts() ? Autograd.leaf(pass.headScope, out) : out;
            return pass;
        } catch (RuntimeException | Error e) {
            pass.close();
            throw e;
        }
    }

    /**
     * The backward pass through a stage; what the pass kept is freed on the way.
     *
     * @param gradient of the stage's result, [batch, time, dim], which is closed; of the stage with the head null
     * @param scale    factor of the differentiated loss; read by the stage with the head
     * @return the gradient of what the stage was given, owned by the engine's manager; null of the stage with the
     *         embedding
     */
    public NDArray backward(Pass pass, NDArray gradient, double scale, IntConsumer passed) {
        Stage stage = pass.stage;
        try (NDManager gradients = manager.newSubManager()) {
            NDArray above = gradient;
            if (stage.predicts()) {
                int part = stage.to() - 1;
                turns.comeTo(part, part - 1, stage);
                turns.addTo(part);
                try (Autograd.Mode recording = Autograd.recording()) {
                    above = head.forwardBackward(pass.out, pass.targets, scale);
                }
                above.attach(gradients);
                pass.headScope.close();
                turns.leave(part);
                passed.accept(part);
            } else {
                above.attach(gradients);
            }
            for (int part = stage.endOfLayers() - 1; part >= stage.firstLayer(); part--) {
                turns.comeTo(part, part - 1, stage);
                turns.addTo(part);
                above = backward(pass, part, above, gradients);
                turns.leave(part);
                passed.accept(part);
            }
            if (!stage.embeds()) {
                above.attach(manager);
                return above;
            }
            turns.addTo(0);
            Autograd.backward(pass.cut(0).out(), above);
            turns.leave(0);
            passed.accept(0);
            return null;
        }
    }

    private NDArray embed(Pass pass, TokenBatch batch) {
        NDManager scope = manager.newSubManager();
        pass.keep(0, new Pass.Cut(scope, null, null));
        seedDropout(pass.index, -1);
        try (Autograd.Mode recording = Autograd.recording()) {
            NDArray x = model.embedding().forward(parameters, ids(scope, batch), true);
            return pass.keep(0, new Pass.Cut(scope, null, x)).out();
        }
    }

    private NDArray forward(Pass pass, int part, NDArray x) {
        NDManager scope = manager.newSubManager();
        pass.keep(part, new Pass.Cut(scope, null, null));
        NDArray leaf = Autograd.leaf(scope, x);
        if (!checkpointing) {
            return pass.keep(part, new Pass.Cut(scope, leaf, compute(part, leaf, pass.index))).out();
        }
        NDManager temporary = manager.newSubManager();
        try (temporary; Autograd.Mode off = Autograd.notRecording()) {
            NDArray input = Autograd.leaf(temporary, x);
            seedDropout(pass.index, part - 1);
            NDArray out = layer(part).forward(parameters, input, true);
            out.attach(scope);
            return pass.keep(part, new Pass.Cut(scope, leaf, out)).out();
        }
    }

    /** What the model was built from. */
    public ModelConfig config() {
        return model.config();
    }

    /** Mean over the passes since the last take of their losses in nats; NaN where the head is on another rank. */
    public double takeLoss() {
        return head == null ? Double.NaN : head.takeLoss();
    }

    /**
     * Memory for what one stage gives to another of a batch, and for its gradient: [batch, time, dim] in the layers'
     * type, not filled, owned by the engine's manager.
     */
    public NDArray between(TokenBatch batch) {
        return Tensor.empty(model.compute(), manager.getDevice(), batch.batchSize(),
                model.streamed(batch.contextLength()), model.config().dim()).attach(manager);
    }

    /** The part of the model that a parameter belongs to. */
    int part(String path) {
        return Stage.part(path, model.config().layers());
    }

    private DecoderLayer layer(int part) {
        return model.layer(part - 1);
    }

    private NDArray compute(int part, NDArray leaf, long passIndex) {
        seedDropout(passIndex, part - 1);
        try (Autograd.Mode recording = Autograd.recording()) {
            return layer(part).forward(parameters, leaf, true);
        }
    }

    private NDArray backward(Pass pass, int part, NDArray gradient, NDManager gradients) {
        Pass.Cut cut = pass.cut(part);
        NDArray out = checkpointing ? compute(part, cut.leaf(), pass.index) : cut.out();
        Autograd.backward(out, gradient);
        NDArray below = Autograd.gradient(gradients, cut.leaf());
        gradient.close();
        cut.scope().close();
        return below;
    }

    /** Recomputation must meet the same masks, and so must a resumed run: each layer of each pass has its own seed. */
    private void seedDropout(long passIndex, int layer) {
        if (model.config().dropout() > 0) {
            JniUtils.setSeed(DropoutSeed.of(seed, passIndex, layer));
        }
    }

    /** Sum of the losses in nats over the positions whose target counts, of those that are here; no gradients. */
    public double evaluate(TokenBatch batch) {
        return evaluate(Stage.whole(model.config()), batch, null, false).loss;
    }

    /** The first part of the model whose output is not finite for this batch, by name; null when all are. */
    public String firstNonFinite(TokenBatch batch) {
        Stage whole = Stage.whole(model.config());
        int part = evaluate(whole, batch, null, true).notFinite;
        return part == whole.all() ? null : Stage.name(part, model.config().layers());
    }

    /**
     * What came of an evaluation's way through a stage.
     *
     * @param out       what the layers gave, [batch, time, dim], owned by the engine's manager; null of the stage with
     *                  the head
     * @param loss      the sum of the losses in nats; 0 of a stage without the head
     * @param notFinite the first part whose output is not finite; the number of the model's parts when all are, or when
     *                  nobody has looked
     */
    public record Evaluated(NDArray out, double loss, int notFinite) {
    }

    /**
     * Evaluates a batch in a stage, without gradients; always in all of its parts, as ranks that share a model need
     * each other in all of them.
     *
     * @param x     what the stage below gave, which stays the caller's; not read by the stage with the embedding
     * @param looks whether it looks for what is not finite
     */
    public Evaluated evaluate(Stage stage, TokenBatch batch, NDArray x, boolean looks) {
        try (Autograd.Mode off = Autograd.notRecording(); NDManager outer = manager.newSubManager()) {
            int notFinite = stage.all();
            NDArray out = stage.embeds() ? null : Autograd.leaf(outer.newSubManager(), x);
            for (int part = stage.from(); part < stage.endOfLayers(); part++) {
                turns.comeTo(part, part + 1, stage);
                out = part == 0 ? model.embedding().forward(parameters, ids(outer.newSubManager(), batch), false)
                        : next(outer, layer(part), out);
                notFinite = looks && notFinite == stage.all() && !Aten.allFinite(out) ? part : notFinite;
            }
            if (!stage.predicts()) {
                out.attach(manager);
                return new Evaluated(out, 0, notFinite);
            }
            turns.comeTo(stage.to() - 1, stage.to(), stage);
            double loss = head.evaluate(out, targets(out.getManager(), batch));
            boolean lost = looks && notFinite == stage.all() && !Double.isFinite(loss);
            return new Evaluated(null, loss, lost ? stage.to() - 1 : notFinite);
        }
    }

    /** A layer's output, in a scope of its own within {@code outer}; the scope of {@code x} is closed. */
    private NDArray next(NDManager outer, DecoderLayer layer, NDArray x) {
        NDArray input = Autograd.leaf(outer.newSubManager(), x);
        x.getManager().close();
        return layer.forward(parameters, input, false);
    }

    private Targets targets(NDManager scope, TokenBatch batch) {
        return Targets.of(scope, batch, model.division());
    }

    private NDArray ids(NDManager scope, TokenBatch batch) {
        return scope.create(model.division().of(batch.inputs(), batch.contextLength()),
                new Shape(batch.batchSize(), model.division().share(batch.contextLength())));
    }
}
