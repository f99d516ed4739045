package org.airelab.train;

import java.util.List;
import org.airelab.nn.FlatParameters;
import org.airelab.nn.ParameterSpec;
import org.airelab.nn.TensorDivision;
import org.airelab.train.Shards.Piece;

/**
 * What of a model one rank of several has and computes.
 *
 * @param shards   the parts of its parameters that it updates
 * @param division its parts of each layer
 */
public record ModelShare(Shards shards, TensorDivision division) {
    /** All of it. */
    public static final ModelShare WHOLE = new ModelShare(Shards.WHOLE, TensorDivision.NONE);

    /** Whole layers. */
    public ModelShare(Shards shards) {
        this(shards, TensorDivision.NONE);
    }

    /**
     * Whether a parameter is this rank's where each is to be counted once: of those that every rank of a division has,
     * only the first rank's.
     */
    private boolean counts(ParameterSpec spec) {
        return division.rank() == 0 || spec.cut() != null;
    }

    /**
     * What this rank counts of the pieces it updates: over all ranks it is every whole parameter once, but for the
     * ranks that have the same of everything.
     */
    public List<Piece> counted(FlatParameters parameters, List<Piece> pieces) {
        boolean all = parameters.slots().stream().allMatch(slot -> counts(slot.spec()));
        return all ? pieces : Shards.within(pieces, parameters, this::counts);
    }
}
