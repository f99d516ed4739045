package org.airelab.kernels.optimizer;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.airelab.kernels.cuda.ElementSharing;
import org.airelab.kernels.cuda.Launcher;

/** {@link Sgd} on CUDA: the same bits as by the CPU's vectors. */
record CudaSgd(ElementSharing sharing, Launcher launcher) implements Sgd {
    @Override
    public String name() {
        return sharing.toString();
    }

    @Override
    public void step(SgdSettings settings, long step, UpdateRange range, MemorySegment weights,
            MemorySegment gradient, MemorySegment velocity) {
        Sgd.check(settings, step, range, weights, gradient, velocity);
        var c = SgdConstants.of(settings, step);
        CudaUpdate.launch("sgd", sharing, launcher, range, Arrays.asList(weights, gradient, velocity),
                c.learningRate(), c.decay(), c.keep(), c.take(), c.gradientShare(), c.velocityShare());
    }
}
