package org.airelab.train;

import org.airelab.nn.Shards;

/**
 * What of a model one rank of several has and computes.
 *
 * @param shards what of its parameters it updates, and keeps
 */
public record ModelShare(Shards shards) {
    /** All of it. */
    public static final ModelShare WHOLE = new ModelShare(Shards.WHOLE);
}
