package org.airelab.train;

import ai.djl.ndarray.NDArray;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import org.airelab.kernels.optimizer.Adam;
import org.airelab.kernels.optimizer.AdamSettings;
import org.airelab.kernels.optimizer.RmsProp;
import org.airelab.kernels.optimizer.RmsPropSettings;
import org.airelab.kernels.optimizer.Sgd;
import org.airelab.kernels.optimizer.SgdSettings;
import org.airelab.kernels.optimizer.UpdateRange;
import org.airelab.torch.NativeArrays;

/** The update rules by the lab's CPU kernels, in float32: each number is read and written once. */
final class KernelUpdateRule implements UpdateRule {
    private final OptimizerConfig config;

    KernelUpdateRule(OptimizerConfig config) {
        this.config = config;
    }

    @Override
    public List<String> stateNames() {
        return UpdateRule.stateNames(config);
    }

    @Override
    public void update(NDArray w, NDArray g, NDArray[] state, Step step) {
        UpdateRange range = new UpdateRange(0, w.size(), (float) step.gradientScale());
        MemorySegment weights = NativeArrays.memory(w);
        MemorySegment gradient = NativeArrays.memory(g);
        MemorySegment[] s = Arrays.stream(state).map(NativeArrays::memory).toArray(MemorySegment[]::new);
        double rate = step.learningRate();
        double decay = step.weightDecay();
        switch (config.kind()) {
            case ADAMW, ADAM -> {
                boolean decoupled = config.kind() == OptimizerConfig.Kind.ADAMW;
                AdamSettings settings = new AdamSettings(rate, config.beta1(), config.beta2(), config.eps(), decay, decoupled);
                Adam.FAMILY.fastest().step(settings, step.number(), range, weights, gradient, s[0], s[1]);
            }
            case SGD -> Sgd.FAMILY.fastest().step(new SgdSettings(rate, config.momentum(), 0, decay, false), step.number(),
                    range, weights, gradient, s.length > 0 ? s[0] : null);
            case RMSPROP -> RmsProp.FAMILY.fastest().step(new RmsPropSettings(rate, config.alpha(), config.eps(), decay,
                    config.momentum(), false), range, weights, gradient, s[0], null, s.length > 1 ? s[1] : null);
        }
    }
}
