package org.airelab.kernels.optimizer;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.airelab.kernels.cuda.ElementSharing;
import org.airelab.kernels.cuda.Launcher;

/** {@link Adam} on CUDA: the same bits as by the CPU's vectors. */
record CudaAdam(ElementSharing sharing, Launcher launcher) implements Adam {
    @Override
    public String name() {
        return sharing.toString();
    }

    @Override
    public void step(AdamSettings settings, long step, UpdateRange range, MemorySegment weights,
            MemorySegment gradient, MemorySegment firstMoment, MemorySegment secondMoment) {
        Adam.check(step, range, weights, gradient, firstMoment, secondMoment);
        var c = AdamConstants.of(settings, step);
        CudaUpdate.launch("adam", sharing, launcher, range, Arrays.asList(weights, gradient, firstMoment, secondMoment),
                c.shrink(), c.coupledDecay(), c.beta2(), c.newGradient(), c.newSquare(), c.stepSize(), c.root(),
                c.epsilon());
    }
}
