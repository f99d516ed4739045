package org.airelab.distributed.pipeline;

import java.util.List;
import java.util.stream.IntStream;
import org.airelab.base.UserError;
import org.airelab.nn.Stage;

/**
 * How a model is divided among the ranks of a pipeline and in which order they work. Its {@code ranks * chunks} stages
 * have the same number of layers each; where that does not come out even the first stages have one more. The first
 * stage has the embedding, too, and the last the head; what those take is not weighed against layers. Stage {@code s}
 * is on rank {@code s % ranks}, as chunk {@code s / ranks} of those that it has.
 *
 * @param schedule order of passes
 * @param ranks    of the pipeline
 * @param chunks   stages of each rank; 1 but for {@link PipelineSchedule#INTERLEAVED}
 * @param layers   of the model
 */
public record PipelinePlan(PipelineSchedule schedule, int ranks, int chunks, int layers) {
    /** @throws UserError (bad input) where a stage would have no layer, and for chunks the schedule does not have */
    public PipelinePlan {
        if (ranks < 1) {
            throw new IllegalArgumentException("a pipeline of " + ranks + " ranks");
        }
        boolean interleaved = schedule == PipelineSchedule.INTERLEAVED;
        if (interleaved ? chunks < 2 : chunks != 1) {
            throw UserError.badInput("the schedule " + schedule + " gives a rank " + (interleaved
                    ? "at least 2 chunks" : "1 chunk") + " of layers, found " + chunks + ".", "Give another number of"
                    + " chunks, or another schedule.");
        }
        if ((long) ranks * chunks > layers) {
            throw UserError.badInput("a pipeline of " + ranks + " ranks with " + chunks + (chunks == 1 ? " stage" :
                    " stages") + " each needs at least " + (long) ranks * chunks + " layers, and the model has "
                    + layers + ".", "Make the pipeline shorter"
                    + (chunks > 1 ? ", or give a rank fewer chunks." : "."));
        }
    }

    /** All stages of the model. */
    private int allStages() {
        return ranks * chunks;
    }

    /** Layers before a stage's. */
    private int layersBefore(int stage) {
        return stage * (layers / allStages()) + Math.min(stage, layers % allStages());
    }

    private Stage stage(int stage) {
        int all = layers + 2;
        return new Stage(stage == 0 ? 0 : 1 + layersBefore(stage),
                stage == allStages() - 1 ? all : 1 + layersBefore(stage + 1), all);
    }

    /** A rank's stages, first to last. */
    public List<Stage> stages(int rank) {
        return IntStream.range(0, chunks).mapToObj(chunk -> stage(chunk * ranks + rank)).toList();
    }

    /**
     * Refuses steps that the schedule cannot make.
     *
     * @param microBatches of a step
     * @throws UserError (bad input)
     */
    public void requirePasses(int microBatches) {
        if (schedule == PipelineSchedule.INTERLEAVED && microBatches % ranks != 0) {
            throw UserError.badInput("the schedule " + schedule + " takes the passes of a step in groups of " + ranks
                    + ", one a rank of the pipeline, and there are " + microBatches + ".",
                    "Make the passes of a step a multiple of " + ranks + ", or choose the schedule "
                    + PipelineSchedule.ONE_F_ONE_B + ".");
        }
    }

    /** What a rank does in a step, in this order. */
    public List<Action> actions(int rank, int microBatches) {
        requirePasses(microBatches);
        return schedule.actions(rank, ranks, chunks, microBatches);
    }

    /**
     * The part of a step's time in which a rank of p has nothing to do. Of m micro-batches, each of which a rank works
     * on for a time t, in v chunks of t / v, the first and the last rank wait p - 1 times for a chunk, so that a step
     * takes m t + (p - 1) t / v, and the part is (p - 1) / (v m + p - 1). (Narayanan et al. 2021, section 2.2, give
     * what is waited over m t.) It holds for all three schedules where stages take the same time and messages none.
     */
    public double bubble(int microBatches) {
        return (ranks - 1.0) / ((double) chunks * microBatches + ranks - 1);
    }
}
