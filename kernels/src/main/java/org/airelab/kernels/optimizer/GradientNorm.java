package org.airelab.kernels.optimizer;

import java.lang.foreign.MemorySegment;
import java.util.List;
import org.airelab.kernels.Family;
import org.airelab.kernels.Rung;

/** The squared norm of a gradient. */
public interface GradientNorm extends Rung {
    Family<GradientNorm> FAMILY = new Family<>("gradient-norm", new ReferenceGradientNorm(),
            List.of(new ScalarGradientNorm(), new VectorGradientNorm()));

    /**
     * The sum of squares of {@code count} float32 values, formed in float64 and in an order that does not depend on the
     * number of threads. It is infinite or NaN exactly if one of the values is.
     */
    double sumOfSquares(MemorySegment values, long count);
}
