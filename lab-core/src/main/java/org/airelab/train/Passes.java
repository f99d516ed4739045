package org.airelab.train;

import java.util.List;
import java.util.function.IntConsumer;
import org.airelab.data.TokenBatch;

/**
 * How passes go through a model of which this rank may have some stages only. Ranks that together have one model call
 * the same methods in the same order, with the same batches, and get the same answers.
 */
public interface Passes {
    /**
     * The passes of an optimizer step.
     *
     * @param microBatches one a pass
     * @param scale        factor of the differentiated loss
     * @param first        number of the first pass in the run
     * @param stride       from one pass's number to the next one's
     */
    record Step(List<TokenBatch> microBatches, double scale, long first, int stride) {
        /** The number of a micro-batch's pass in the run, which decides dropout's masks. */
        public long pass(int microBatch) {
            return first + (long) microBatch * stride;
        }
    }

    /**
     * Forward and backward passes of all micro-batches; gradients are added to those the parameters have. The loss is
     * asked of the engine.
     *
     * @param passed told of each part of the model that this rank has, the last first, when the step has added all
     *               that it adds to the gradients of its parameters; {@link LayerwiseEngine#forwardBackward} says more
     */
    void run(Step step, IntConsumer passed);

    /** Sum of the losses in nats over all positions of the batches whose target counts, without gradients. */
    double evaluate(Iterable<TokenBatch> batches);

    /** The first part of the model whose output is not finite for this batch, by name; null when all are. */
    String firstNonFinite(TokenBatch batch);

    /** The worst of the gradients that the ranks name, each the worst of its own. */
    WorstGradient worst(WorstGradient mine);
}
