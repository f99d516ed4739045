package org.airelab.train;

import ai.djl.ndarray.NDArray;
import java.util.List;

/**
 * How an optimizer moves weights: the rule alone, on flat windows of the buffers. {@link TorchUpdateRule} works on any
 * device, {@link KernelUpdateRule} on the CPU in one pass over memory.
 */
interface UpdateRule {
    /** Names of the state buffers, each of the weights' size, that start as zeros. */
    List<String> stateNames();

    /**
     * Updates a window of the weights and the state.
     *
     * @param w     weights [n]
     * @param g     gradients [n], unchanged
     * @param state one array [n] for each name
     * @param step  what this step does
     */
    void update(NDArray w, NDArray g, NDArray[] state, Step step);

    /**
     * One step's constants.
     *
     * @param number       1 for the first
     * @param learningRate from the schedule
     * @param weightDecay  of this window
     * @param gradientScale factor of the gradients: unscaling and clipping
     */
    record Step(long number, double learningRate, double weightDecay, double gradientScale) {
    }

    /** The state an update rule keeps. */
    static List<String> stateNames(OptimizerConfig config) {
        return switch (config.kind()) {
            case ADAMW, ADAM -> List.of("exp_avg", "exp_avg_sq");
            case SGD -> config.momentum() > 0 ? List.of("momentum_buffer") : List.of();
            case RMSPROP -> config.momentum() > 0 ? List.of("square_avg", "momentum_buffer") : List.of("square_avg");
        };
    }
}
