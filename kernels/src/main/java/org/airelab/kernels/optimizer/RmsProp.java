package org.airelab.kernels.optimizer;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Set;
import org.airelab.kernels.DType;
import org.airelab.kernels.Family;
import org.airelab.kernels.Rung;
import org.airelab.kernels.cpu.Cores;
import org.airelab.kernels.cuda.ElementSharing;

/**
 * One step of RMSProp (Tieleman and Hinton, 2012; centered after Graves, 2013) as {@code torch.optim.RMSprop} has it:
 *
 * <pre>
 * g = g + decay w
 * s = alpha s + (1 - alpha) g^2
 * a = alpha a + (1 - alpha) g                     if centered
 * d = g / (sqrt(s) + epsilon), if centered g / (sqrt(s - a^2) + epsilon)
 * u = momentum u + d                              if there is a momentum
 * w = w - lr d, with a momentum w - lr u
 * </pre>
 *
 * All segments are float32 of one size; anything else is an {@link IllegalArgumentException}.
 */
public interface RmsProp extends Rung {
    Family<RmsProp> FAMILY = new Family<>("rmsprop", new ReferenceRmsProp(),
            List.of(new ScalarRmsProp(), new VectorRmsProp(Cores.ONE), new VectorRmsProp(Cores.ALL)),
            ElementSharing.ladder(Set.of(DType.FP32), (sharing, launcher, _) -> new CudaRmsProp(sharing, launcher)));

    /**
     * @param weights      updated in {@code range}
     * @param gradient     read
     * @param squares      s, updated; 0 before the first step
     * @param gradientMean a, updated; 0 before the first step; null where not centered
     * @param velocity     u, updated; 0 before the first step; null where the momentum is 0
     */
    void step(RmsPropSettings settings, UpdateRange range, MemorySegment weights, MemorySegment gradient,
            MemorySegment squares, MemorySegment gradientMean, MemorySegment velocity);

    /** Checks the arguments of {@link #step}. */
    static void check(RmsPropSettings settings, UpdateRange range, MemorySegment weights, MemorySegment gradient,
            MemorySegment squares, MemorySegment gradientMean, MemorySegment velocity) {
        range.check(weights, gradient, squares);
        Ranges.state("gradient mean", settings.centered(), gradientMean, range, weights);
        Ranges.state("velocity", settings.momentum() != 0, velocity, range, weights);
    }
}
