package org.airelab.train;

import org.airelab.nn.ContextExchange;

/**
 * What of a model one rank of several has and computes.
 *
 * @param shards  the parts of its parameters that it updates
 * @param context how it meets the tokens of its sequences that other ranks have
 */
public record ModelShare(Shards shards, ContextExchange context) {
    /** All of it. */
    public static final ModelShare WHOLE = new ModelShare(Shards.WHOLE);

    /** All of it, and parts of the parameters to update. */
    public ModelShare(Shards shards) {
        this(shards, ContextExchange.NONE);
    }
}
