package org.airelab.kernels.optimizer;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Set;
import org.airelab.kernels.DType;
import org.airelab.kernels.Family;
import org.airelab.kernels.Rung;
import org.airelab.kernels.cpu.Buffers;
import org.airelab.kernels.cpu.Cores;
import org.airelab.kernels.cuda.ElementSharing;

/**
 * One step of stochastic gradient descent with momentum as {@code torch.optim.SGD} has it:
 *
 * <pre>
 * g = g + decay w
 * u = g at the first step, else momentum u + (1 - dampening) g
 * w = w - lr u, with nesterov w - lr (g + momentum u), without momentum w - lr g
 * </pre>
 *
 * All segments are float32 of one size; anything else is an {@link IllegalArgumentException}.
 */
public interface Sgd extends Rung {
    Family<Sgd> FAMILY = new Family<>("sgd", new ReferenceSgd(),
            List.of(new ScalarSgd(), new VectorSgd(Cores.ONE), new VectorSgd(Cores.ALL)),
            ElementSharing.ladder(Set.of(DType.FP32), (sharing, launcher, _) -> new CudaSgd(sharing, launcher)));

    /**
     * @param step     number of this step, 1 for the first
     * @param weights  updated in {@code range}
     * @param gradient read
     * @param velocity u, updated; 0 before the first step; null where the momentum is 0
     */
    void step(SgdSettings settings, long step, UpdateRange range, MemorySegment weights, MemorySegment gradient,
            MemorySegment velocity);

    /** Checks the arguments of {@link #step}. */
    static void check(SgdSettings settings, long step, UpdateRange range, MemorySegment weights,
            MemorySegment gradient, MemorySegment velocity) {
        Buffers.atLeast("step", 1, step);
        range.check(weights, gradient);
        Ranges.state("velocity", settings.momentum() != 0, velocity, range, weights);
    }
}
