package org.airelab.distributed.pipeline;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.function.IntConsumer;
import org.airelab.data.TokenBatch;
import org.airelab.distributed.dataparallel.Exchange;
import org.airelab.distributed.group.Failures;
import org.airelab.distributed.group.ProcessGroup;
import org.airelab.distributed.group.WaitClock;
import org.airelab.distributed.group.gpu.DeviceWaitClock;
import org.airelab.nn.Stage;
import org.airelab.train.LayerwiseEngine;
import org.airelab.train.Passes;
import org.airelab.train.TrainingSession;
import org.airelab.train.WorstGradient;

/**
 * A model whose stages are on several ranks, seen by one of them. Every rank of a pipeline is given the same
 * micro-batches; the first reads their tokens, the last what is to be predicted, and in between go activations, one
 * way, and their gradients, the other, in the type the layers compute in.
 */
public final class Pipeline implements Passes, AutoCloseable {
    private final PipelinePlan plan;
    private final Position here;
    private final Exchange exchange;
    private final Steps steps;
    /** Null where this rank has nothing of it. */
    private final TiedEmbedding tied;

    private Pipeline(PipelinePlan plan, Position here, Exchange exchange, Steps steps, TiedEmbedding tied) {
        this.plan = plan;
        this.here = here;
        this.exchange = exchange;
        this.steps = steps;
        this.tied = tied;
    }

    /**
     * Makes a trainer's model part of a pipeline. What its steps are shared with so far are the replicas of its stages:
     * that comes before.
     *
     * @param group   the ranks of the pipeline, first to last
     * @param plan    the same on all
     * @param session with the stages that the plan gives this rank
     */
    public static Pipeline begin(ProcessGroup group, PipelinePlan plan, TrainingSession session) {
        LayerwiseEngine engine = session.engine();
        if (plan.ranks() != group.size() || plan.layers() != engine.config().layers()) {
            throw new IllegalArgumentException("a plan for " + plan.ranks() + " ranks and " + plan.layers()
                    + " layers in a pipeline of " + group.size() + " with " + engine.config().layers());
        }
        WaitClock clock = DeviceWaitClock.of(session.manager().getDevice());
        Steps steps = new Steps(clock);
        Exchange exchange = new Exchange(group, session.manager().getDevice());
        TiedEmbedding tied = engine.config().tieEmbeddings()
                ? TiedEmbedding.of(group, clock, session.parameters()) : null;
        Pipeline pipeline = new Pipeline(plan,
                new Position(group, engine, plan.stages(group.rank()), clock), exchange, steps, tied);
        session.trainer().shareModel(pipeline);
        session.trainer().shareSteps(new StageGradients(session.trainer().exchange(), exchange, tied, steps));
        return pipeline;
    }

    @Override
    public void run(Step step, IntConsumer passed) {
        List<Action> actions = plan.actions(here.group().rank(), step.microBatches().size());
        steps.begin();
        PipelineStep work = new PipelineStep(here, step, actions, passed);
        orStop(work::run, work::close);
    }

    /** Does something; if it fails the group fails, so that nobody touches any more what is freed then. */
    private void orStop(Runnable task, Runnable free) {
        try {
            task.run();
        } catch (RuntimeException | Error e) {
            here.group().abort(Failures.stopped(here.group(), e));
            free.run();
            throw e;
        }
    }

    @Override
    public double evaluate(Iterable<TokenBatch> batches) {
        double loss = 0;
        Iterator<TokenBatch> rest = batches.iterator();
        while (rest.hasNext()) {
            // By groups, as in a step: then no rank waits for the way through all chunks of a batch.
            List<TokenBatch> next = new ArrayList<>();
            while (next.size() < plan.ranks() && rest.hasNext()) {
                next.add(rest.next());
            }
            loss += evaluate(next, false).loss;
        }
        return exchange.sum(loss);
    }

    @Override
    public String firstNonFinite(TokenBatch batch) {
        long first = Arrays.stream(exchange.all(evaluate(List.of(batch), true).notFinite))
                .mapToLong(one -> one[0]).min().orElseThrow();
        return first == plan.layers() + 2 ? null : Stage.name((int) first, plan.layers());
    }

    private PipelineEvaluation evaluate(List<TokenBatch> batches, boolean looks) {
        PipelineEvaluation evaluation = new PipelineEvaluation(here, looks);
        orStop(() -> evaluation.run(batches), evaluation::close);
        return evaluation;
    }

    @Override
    public WorstGradient worst(WorstGradient mine) {
        return exchange.worst(mine);
    }

    /**
     * The first element of this rank's flat buffers that is its own to count and to save: on the last rank there may be
     * a copy of the first one's before it, the matrix of the embedding that the head is tied to.
     */
    public long firstOwn() {
        return tied == null ? 0 : tied.firstOwn();
    }

    /** Frees what it measures time with; the group stays the caller's. */
    @Override
    public void close() {
        here.clock().close();
    }

    /**
     * Seconds for which this rank has waited for other stages so far, in steps and in evaluations: for what they
     * compute, which is the bubble, and for what they send.
     */
    public double waitedSeconds() {
        return here.clock().seconds();
    }

    /** Seconds that steps have taken so far, from the first pass until the last rank has made its last. */
    public double stepSeconds() {
        return steps.seconds();
    }

    /**
     * The part of the steps' time in which ranks have waited for other stages, as a mean over the ranks of the
     * pipeline, which all ask; to be held against {@link PipelinePlan#bubble}. NaN before the first step.
     */
    public double bubble() {
        return exchange.mean(steps.waited() / steps.seconds());
    }
}
