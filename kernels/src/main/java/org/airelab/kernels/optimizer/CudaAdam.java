package org.airelab.kernels.optimizer;

import java.lang.foreign.MemorySegment;
import org.airelab.kernels.DType;
import org.airelab.kernels.cuda.ElementSharing;
import org.airelab.kernels.cuda.Launcher;

/** {@link Adam} on CUDA: the same bits as by the CPU's vectors. */
record CudaAdam(ElementSharing sharing, Launcher launcher) implements Adam {
    private static final int RESIDENT = 4;

    @Override
    public String name() {
        return sharing.toString();
    }

    @Override
    public void step(AdamSettings settings, long step, UpdateRange range, MemorySegment weights,
            MemorySegment gradient, MemorySegment firstMoment, MemorySegment secondMoment) {
        Adam.check(step, range, weights, gradient, firstMoment, secondMoment);
        if (range.count() > 0) {
            var c = AdamConstants.of(settings, step);
            launcher.launch(sharing.launch(sharing.source("optimizer/adam-", DType.FP32), "adam_step",
                    sharing.threads(range.count(), DType.FP32), RESIDENT, launcher), range.of(weights),
                    range.of(gradient), range.of(firstMoment), range.of(secondMoment), range.count(),
                    range.gradientScale(), c.shrink(), c.coupledDecay(), c.beta2(), c.newGradient(), c.newSquare(),
                    c.stepSize(), c.root(), c.epsilon());
        }
    }
}
