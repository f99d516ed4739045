package org.airelab.train;

import java.util.List;
import org.airelab.nn.ContextExchange;
import org.airelab.nn.ExchangeMemory;
import org.airelab.nn.ModelConfig;
import org.airelab.nn.ParameterSpec;
import org.airelab.nn.Shards;
import org.airelab.nn.Stage;
import org.airelab.nn.TensorDivision;

/**
 * What of a model one rank of several has and computes.
 *
 * @param shards    what of its parameters it updates, and keeps
 * @param stages    the parts of the model that it has, first to last; none for all
 * @param context   how it meets the tokens of its sequences that other ranks have
 * @param tensors   its parts of each layer
 * @param exchanged where the gradients lie that it sums with other ranks, and the weights that they gather
 */
public record ModelShare(Shards shards, List<Stage> stages, ContextExchange context, TensorDivision tensors,
        ExchangeMemory exchanged) {
    /** All of it. */
    public static final ModelShare WHOLE = new ModelShare(Shards.WHOLE);

    /** All parts of the model, whole layers and all tokens, and parts of the parameters to update. */
    public ModelShare(Shards shards) {
        this(shards, List.of(), ContextExchange.NONE, TensorDivision.NONE);
    }

    /** Gradients may lie anywhere. */
    public ModelShare(Shards shards, List<Stage> stages, ContextExchange context, TensorDivision tensors) {
        this(shards, stages, context, tensors, ExchangeMemory.ANY);
    }

    /** The parts of a model that it has. */
    List<Stage> stages(ModelConfig config) {
        return stages.isEmpty() ? List.of(Stage.whole(config)) : stages;
    }

    /**
     * Whether a parameter is this rank's where each is to be counted once: of those that every rank of a division has,
     * only the first rank's. Over all ranks it is every whole parameter once, but for the ranks that have the same of
     * everything.
     */
    public boolean counts(ParameterSpec spec) {
        return tensors.rank() == 0 || spec.cut() != null;
    }
}
