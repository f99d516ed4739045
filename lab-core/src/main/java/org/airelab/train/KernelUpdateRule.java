package org.airelab.train;

import ai.djl.ndarray.NDArray;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.airelab.kernels.Family;
import org.airelab.kernels.Rung;
import org.airelab.kernels.optimizer.Adam;
import org.airelab.kernels.optimizer.AdamSettings;
import org.airelab.kernels.optimizer.RmsProp;
import org.airelab.kernels.optimizer.RmsPropSettings;
import org.airelab.kernels.optimizer.Sgd;
import org.airelab.kernels.optimizer.SgdSettings;
import org.airelab.kernels.optimizer.UpdateRange;
import org.airelab.torch.DeviceKernels;
import org.airelab.torch.NativeArrays;
import org.airelab.torch.ScalarType;

/** The update rules by the lab's kernels, in float32: each number is read and written once. */
final class KernelUpdateRule implements UpdateRule {
    private final OptimizerConfig config;
    private final DeviceKernels kernels;

    KernelUpdateRule(OptimizerConfig config, DeviceKernels kernels) {
        this.config = config;
        this.kernels = kernels;
    }

    @Override
    public void update(NDArray w, NDArray g, NDArray[] state, Step step) {
        UpdateRange range = new UpdateRange(0, w.size(), (float) step.gradientScale());
        MemorySegment weights = NativeArrays.kernelMemory(w);
        MemorySegment gradient = NativeArrays.kernelMemory(g);
        MemorySegment[] s = Arrays.stream(state).map(NativeArrays::kernelMemory).toArray(MemorySegment[]::new);
        double rate = step.learningRate();
        double decay = step.weightDecay();
        switch (config.kind()) {
            case ADAMW, ADAM -> kernel(Adam.FAMILY).step(new AdamSettings(rate, config.beta1(), config.beta2(),
                    config.eps(), decay, config.kind() == OptimizerConfig.Kind.ADAMW), step.number(), range, weights,
                    gradient, s[0], s[1]);
            case SGD -> kernel(Sgd.FAMILY).step(new SgdSettings(rate, config.momentum(), 0, decay, false),
                    step.number(), range, weights, gradient, s.length > 0 ? s[0] : null);
            case RMSPROP -> kernel(RmsProp.FAMILY).step(new RmsPropSettings(rate, config.alpha(), config.eps(), decay,
                    config.momentum(), false), range, weights, gradient, s[0], null, s.length > 1 ? s[1] : null);
        }
    }

    private <R extends Rung> R kernel(Family<R> family) {
        return kernels.of(family, ScalarType.FLOAT32);
    }
}
