package org.airelab.train;

import ai.djl.ndarray.NDArray;

/**
 * How an optimizer moves weights: the rule alone, on flat windows of the buffers. {@link TorchUpdateRule} works on any
 * device, {@link KernelUpdateRule} on the CPU in one pass over memory.
 */
interface UpdateRule {
    /**
     * Updates a window of the weights and the state.
     *
     * @param w     weights [n]
     * @param g     gradients [n], unchanged
     * @param state one array [n] for each of {@link OptimizerConfig#stateNames}
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
}
