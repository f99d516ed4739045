package org.airelab.kernels.optimizer;

import java.lang.foreign.MemorySegment;
import org.airelab.kernels.DType;
import org.airelab.kernels.cuda.ElementSharing;
import org.airelab.kernels.cuda.Launcher;

/** {@link Sgd} on CUDA: the same bits as by the CPU's vectors. */
record CudaSgd(ElementSharing sharing, Launcher launcher) implements Sgd {
    private static final int RESIDENT = 4;

    @Override
    public String name() {
        return sharing.toString();
    }

    @Override
    public void step(SgdSettings settings, long step, UpdateRange range, MemorySegment weights,
            MemorySegment gradient, MemorySegment velocity) {
        Sgd.check(settings, step, range, weights, gradient, velocity);
        if (range.count() > 0) {
            var c = SgdConstants.of(settings, step);
            launcher.launch(sharing.launch(sharing.source("optimizer/sgd-", DType.FP32), "sgd_step",
                    sharing.threads(range.count(), DType.FP32), RESIDENT, launcher), range.of(weights),
                    range.of(gradient), range.of(velocity), range.count(),
                    range.gradientScale(), c.learningRate(), c.decay(), c.keep(), c.take(), c.gradientShare(),
                    c.velocityShare());
        }
    }
}
