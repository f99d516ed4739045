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
 * One step of Adam (Kingma and Ba, 2015, algorithm 1) or AdamW (Loshchilov and Hutter, 2019, algorithm 2), in the order
 * of PyTorch's {@code torch.optim.AdamW}:
 *
 * <pre>
 * w = w (1 - lr decay)            AdamW
 * g = g + decay w                 Adam
 * m = m + (1 - beta1) (g - m)
 * v = beta2 v + (1 - beta2) g^2
 * w = w - lr / (1 - beta1^t) m / (sqrt(v) / sqrt(1 - beta2^t) + epsilon)
 * </pre>
 *
 * All segments are float32 of one size; anything else is an {@link IllegalArgumentException}.
 */
public interface Adam extends Rung {
    Family<Adam> FAMILY = new Family<>("adam", new ReferenceAdam(),
            List.of(new ScalarAdam(), new VectorAdam(Cores.ONE), new VectorAdam(Cores.ALL)),
            ElementSharing.ladder(Set.of(DType.FP32), (sharing, launcher, _) -> new CudaAdam(sharing, launcher)));

    /**
     * @param step         number of this step, 1 for the first
     * @param weights      updated in {@code range}
     * @param gradient     read
     * @param firstMoment  m, updated; 0 before the first step
     * @param secondMoment v, updated; 0 before the first step
     */
    void step(AdamSettings settings, long step, UpdateRange range, MemorySegment weights, MemorySegment gradient,
            MemorySegment firstMoment, MemorySegment secondMoment);

    /** Checks the arguments of {@link #step}. */
    static void check(long step, UpdateRange range, MemorySegment weights, MemorySegment gradient,
            MemorySegment firstMoment, MemorySegment secondMoment) {
        Buffers.atLeast("step", 1, step);
        range.check(weights, gradient, firstMoment, secondMoment);
    }
}
