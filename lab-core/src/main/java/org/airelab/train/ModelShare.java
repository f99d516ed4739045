package org.airelab.train;

/**
 * What of a model one rank of several has and computes.
 *
 * @param shards the parts of its parameters that it updates
 */
public record ModelShare(Shards shards) {
    /** All of it. */
    public static final ModelShare WHOLE = new ModelShare(Shards.WHOLE);
}
