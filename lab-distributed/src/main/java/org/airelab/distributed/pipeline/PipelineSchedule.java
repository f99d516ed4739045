package org.airelab.distributed.pipeline;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.airelab.base.UserError;
import org.airelab.distributed.pipeline.Action.Kind;

/**
 * In which order a rank makes the passes of a step. All three are one form: some forward passes to warm up, then a
 * forward and a backward pass by turns, then the backward passes that are left; they differ in the length of the
 * warm-up. Forward and backward passes of a stage come in the order of the micro-batches, so gradients are added up in
 * the order in which one rank adds them.
 */
public enum PipelineSchedule {
    /**
     * All forward passes, then all backward passes (GPipe: Huang et al. 2019, section 2.3): a rank keeps what the
     * backward pass needs of all micro-batches.
     */
    AFAB("afab"),
    /**
     * As soon as a gradient can come, one forward, one backward (PipeDream-flush: Narayanan et al. 2021, section
     * 2.2.1): a rank keeps what is needed of no more micro-batches than there are ranks from it to the last.
     */
    ONE_F_ONE_B("1f1b"),
    /**
     * The same with several chunks of layers a rank, which a group of as many micro-batches as there are ranks passes
     * through one after another (Narayanan et al. 2021, section 2.2.2): the wait at the beginning and at the end is
     * that for chunks, at the price of as many times the messages.
     */
    INTERLEAVED("interleaved");

    private final String label;

    PipelineSchedule(String label) {
        this.label = label;
    }

    /**
     * Reads {@code afab}, {@code 1f1b} or {@code interleaved}.
     *
     * @throws UserError (bad input) for other text
     */
    public static PipelineSchedule parse(String text) {
        return Arrays.stream(values()).filter(schedule -> schedule.label.equals(text)).findFirst()
                .orElseThrow(() -> UserError.badInput("the schedule of a pipeline is afab, 1f1b or interleaved, found "
                        + text + ".", "Give one of them."));
    }

    /** Forward passes before a rank's first backward pass, if there are so many. */
    private int warmUp(int rank, int ranks, int chunks, int all) {
        return switch (this) {
            case AFAB -> all;
            case ONE_F_ONE_B -> ranks - 1 - rank;
            case INTERLEAVED -> 2 * (ranks - 1 - rank) + (chunks - 1) * ranks;
        };
    }

    /** What a rank does in a step of {@code microBatches}. */
    List<Action> actions(int rank, int ranks, int chunks, int microBatches) {
        int all = microBatches * chunks;
        int ahead = Math.min(all, warmUp(rank, ranks, chunks, all));
        List<Action> actions = new ArrayList<>();
        for (int i = 0; i < all + ahead; i++) {
            if (i < all) {
                actions.add(action(Kind.FORWARD, i, ranks, chunks));
            }
            if (i >= ahead) {
                actions.add(action(Kind.BACKWARD, i - ahead, ranks, chunks));
            }
        }
        return actions;
    }

    /** A rank's {@code i}-th pass of a kind: by groups of micro-batches, in a group by chunks. */
    private static Action action(Kind kind, int i, int ranks, int chunks) {
        int round = i / (ranks * chunks);
        int inRound = i % (ranks * chunks);
        int chunk = inRound / ranks;
        return new Action(kind, round * ranks + inRound % ranks, kind == Kind.FORWARD ? chunk : chunks - 1 - chunk);
    }

    /** As {@link #parse} reads it. */
    @Override
    public String toString() {
        return label;
    }
}
