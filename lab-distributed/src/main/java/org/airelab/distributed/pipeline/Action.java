package org.airelab.distributed.pipeline;

/**
 * What a rank of a pipeline does next: one pass of a micro-batch through one of its stages.
 *
 * @param kind       forward or backward
 * @param microBatch of the step, 0 for the first
 * @param chunk      which of the rank's stages, 0 for the lowest
 */
public record Action(Kind kind, int microBatch, int chunk) {
    /** The directions. */
    public enum Kind {
        /** It needs what the stage below gave. */
        FORWARD,
        /** It needs the gradient that the stage above gave, and the forward pass. */
        BACKWARD
    }
}
