package org.airelab.distributed.plan;

/**
 * What one rank sends in a step for one purpose.
 *
 * @param parallelism which asks for it: data, tensor, pipeline or context
 * @param operation   the collective, and of what
 * @param network     whether it goes over the network, else it stays in the node
 * @param bytes       sent by the rank in a step
 * @param seconds     that takes
 * @param exposed     of these, in which nothing is computed
 * @param everyPass   whether it belongs to each pass of the step, else to its end
 */
public record Flow(String parallelism, String operation, boolean network, double bytes, double seconds,
        double exposed, boolean everyPass) {
}
