package org.airelab.kernels.optimizer;

import java.lang.foreign.MemorySegment;
import org.airelab.kernels.DType;
import org.airelab.kernels.cuda.ElementSharing;
import org.airelab.kernels.cuda.Launcher;

/** {@link RmsProp} on CUDA: the same bits as by the CPU's vectors. */
record CudaRmsProp(ElementSharing sharing, Launcher launcher) implements RmsProp {
    private static final int RESIDENT = 4;

    @Override
    public String name() {
        return sharing.toString();
    }

    @Override
    public void step(RmsPropSettings settings, UpdateRange range, MemorySegment weights, MemorySegment gradient,
            MemorySegment squares, MemorySegment gradientMean, MemorySegment velocity) {
        RmsProp.check(settings, range, weights, gradient, squares, gradientMean, velocity);
        if (range.count() > 0) {
            var c = RmsPropConstants.of(settings);
            launcher.launch(sharing.launch(sharing.source("optimizer/rms-prop-", DType.FP32), "rms_prop_step",
                    sharing.threads(range.count(), DType.FP32), RESIDENT, launcher), range.of(weights),
                    range.of(gradient), range.of(squares), range.of(gradientMean), range.of(velocity), range.count(),
                    range.gradientScale(), c.decay(), c.alpha(), c.fresh(), c.epsilon(), c.momentum(),
                    c.learningRate());
        }
    }
}
