package org.airelab.distributed.pipeline;

import org.airelab.distributed.dataparallel.Exchange;
import org.airelab.train.GradientExchange;

/**
 * The gradients of a model whose stages are on the ranks of a pipeline. Each stage's replicas exchange them as they do
 * without a pipeline; the norm is over all stages, and the loss that of the last.
 */
final class StageGradients implements GradientExchange {
    private final GradientExchange replicas;
    private final Exchange pipeline;
    private final TiedEmbedding tied;
    private final Steps steps;

    /**
     * @param replicas of this rank's stages
     * @param tied     null where this rank has nothing of it
     */
    StageGradients(GradientExchange replicas, Exchange pipeline, TiedEmbedding tied, Steps steps) {
        this.replicas = replicas;
        this.pipeline = pipeline;
        this.tied = tied;
        this.steps = steps;
    }

    @Override
    public int rank() {
        return replicas.rank();
    }

    @Override
    public int ranks() {
        return replicas.ranks();
    }

    @Override
    public void finalFrom(long element) {
        replicas.finalFrom(tied == null ? element : Math.max(element, tied.end()));
    }

    @Override
    public void complete() {
        if (tied != null) {
            tied.sumGradients();
            replicas.finalFrom(0);
        }
        replicas.complete();
    }

    @Override
    public double norm(double mine) {
        double stages = replicas.norm(mine);
        return steps.end(() -> Math.sqrt(pipeline.sum(stages * stages)));
    }

    @Override
    public void updated() {
        replicas.updated();
        if (tied != null) {
            tied.copyWeights();
        }
    }

    /** The mean of the last stage's replicas' numbers. */
    @Override
    public double mean(double value) {
        int last = pipeline.group().size() - 1;
        // Of every stage: its replicas tell each other more than this.
        double mine = replicas.mean(value);
        return Double.longBitsToDouble(pipeline.all(Double.doubleToRawLongBits(mine))[last][0]);
    }

    @Override
    public double[] norms(double[] mine) {
        return replicas.norms(mine);
    }
}
