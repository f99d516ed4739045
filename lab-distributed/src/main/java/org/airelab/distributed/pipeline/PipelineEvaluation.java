package org.airelab.distributed.pipeline;

import ai.djl.ndarray.NDArray;
import java.util.List;
import org.airelab.data.TokenBatch;
import org.airelab.nn.Stage;
import org.airelab.train.LayerwiseEngine.Evaluated;

/** A rank's part of the evaluation of some batches. */
final class PipelineEvaluation {
    private final Position here;
    private final boolean looks;
    private final Inbox inbox;
    private final Outbox outbox;
    /** Sum of the losses; 0 but on the rank with the head. */
    double loss;
    /** The first of this rank's parts whose output is not finite; beyond the model's when all are. */
    int notFinite = Integer.MAX_VALUE;

    /** {@code looks}: whether it looks for what is not finite. */
    PipelineEvaluation(Position here, boolean looks) {
        this.here = here;
        this.looks = looks;
        this.inbox = new Inbox(here);
        this.outbox = new Outbox(here);
    }

    /** Evaluates them, all in one chunk after the other. */
    void run(List<TokenBatch> batches) {
        for (Stage stage : here.stages()) {
            if (!stage.embeds()) {
                batches.forEach(batch -> inbox.expect(here.below(), batch));
            }
        }
        for (Stage stage : here.stages()) {
            for (TokenBatch batch : batches) {
                evaluate(stage, batch);
            }
        }
        outbox.await(0);
    }

    private void evaluate(Stage stage, TokenBatch batch) {
        NDArray x = stage.embeds() ? null : inbox.take(here.below());
        Evaluated evaluated = here.engine().evaluate(stage, batch, x, looks);
        if (x != null) {
            x.close();
        }
        if (evaluated.out() != null) {
            outbox.send(evaluated.out(), here.above());
        }
        loss += evaluated.loss();
        notFinite = Math.min(notFinite, evaluated.notFinite());
    }

    /** Frees everything, when the group has failed. */
    void close() {
        inbox.close();
        outbox.close();
    }
}
