package org.airelab.distributed.pipeline;

import ai.djl.ndarray.NDArray;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntConsumer;
import org.airelab.data.TokenBatch;
import org.airelab.distributed.group.Work;
import org.airelab.distributed.pipeline.Action.Kind;
import org.airelab.nn.Stage;
import org.airelab.train.Pass;
import org.airelab.train.Passes;

/** A rank's passes of one step, by its schedule. */
final class PipelineStep {
    private final Position here;
    private final Passes.Step step;
    private final List<Action> actions;
    private final IntConsumer passed;
    private final Inbox inbox;
    private final Outbox outbox;
    /** By micro-batch and chunk. */
    private final Map<List<Integer>, Live> live = new HashMap<>();

    /** A pass whose backward part is still to come, and what is on its way to the stage above; null for nothing. */
    private record Live(Pass pass, Work sent) {
        void freeIfSent() {
            if (sent != null && sent.done()) {
                pass.freeOut();
            }
        }
    }

    PipelineStep(Position here, Passes.Step step, List<Action> actions, IntConsumer passed) {
        this.here = here;
        this.step = step;
        this.actions = actions;
        this.passed = passed;
        this.inbox = new Inbox(here);
        this.outbox = new Outbox(here);
    }

    /** Makes all passes. */
    void run() {
        for (Action action : actions) {
            if (action.kind() == Kind.FORWARD && !stage(action).embeds()) {
                inbox.expect(here.below(), batch(action));
            } else if (action.kind() == Kind.BACKWARD && !stage(action).predicts()) {
                inbox.expect(here.above(), batch(action));
            }
        }
        for (Action action : actions) {
            switch (action.kind()) {
                case FORWARD -> forward(action);
                case BACKWARD -> backward(action);
            }
        }
        outbox.await(0);
    }

    private Stage stage(Action action) {
        return here.stages().get(action.chunk());
    }

    private TokenBatch batch(Action action) {
        return step.microBatches().get(action.microBatch());
    }

    private static List<Integer> key(Action action) {
        return List.of(action.microBatch(), action.chunk());
    }

    private void forward(Action action) {
        Stage stage = stage(action);
        NDArray x = stage.embeds() ? null : inbox.take(here.below());
        live.values().forEach(Live::freeIfSent);
        Pass pass = here.engine().forward(stage, batch(action), x, step.pass(action.microBatch()));
        if (x != null) {
            // The pass has its own hold on that memory.
            x.close();
        }
        // What it gave stays the pass's: until the gradient comes back it was received.
        live.put(key(action), new Live(pass,
                stage.predicts() ? null : Outbox.send(here, pass.out(), here.above())));
    }

    private void backward(Action action) {
        Stage stage = stage(action);
        NDArray gradient = stage.predicts() ? null : inbox.take(here.above());
        Live done = live.get(key(action));
        if (done.sent != null) {
            here.clock().await(done.sent);
        }
        live.remove(key(action));
        boolean last = action.microBatch() == step.microBatches().size() - 1;
        try (Pass pass = done.pass) {
            NDArray below = here.engine().backward(pass, gradient, step.scale(), last ? passed : part -> { });
            if (below != null) {
                outbox.send(below, here.below());
            }
        }
    }

    /** Frees everything, when the group has failed. */
    void close() {
        inbox.close();
        outbox.close();
        for (Live each : live.values()) {
            if (each.sent != null) {
                Outbox.awaitFailed(each.sent);
            }
            each.pass.close();
        }
    }
}
