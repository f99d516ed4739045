package org.airelab.kernels.optimizer;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.airelab.kernels.cuda.ElementSharing;
import org.airelab.kernels.cuda.Launcher;

/** {@link RmsProp} on CUDA: the same bits as by the CPU's vectors. */
record CudaRmsProp(ElementSharing sharing, Launcher launcher) implements RmsProp {
    @Override
    public String name() {
        return sharing.toString();
    }

    @Override
    public void step(RmsPropSettings settings, UpdateRange range, MemorySegment weights, MemorySegment gradient,
            MemorySegment squares, MemorySegment gradientMean, MemorySegment velocity) {
        RmsProp.check(settings, range, weights, gradient, squares, gradientMean, velocity);
        var c = RmsPropConstants.of(settings);
        CudaUpdate.launch("rms-prop", sharing, launcher, range,
                Arrays.asList(weights, gradient, squares, gradientMean, velocity),
                c.decay(), c.alpha(), c.fresh(), c.epsilon(), c.momentum(), c.learningRate());
    }
}
