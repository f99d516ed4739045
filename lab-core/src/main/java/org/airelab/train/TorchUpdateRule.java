package org.airelab.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import org.airelab.torch.Aten;
import org.airelab.torch.NativeArrays;

/** The update rules by plain operators, in windows small enough that their temporaries do not count. */
final class TorchUpdateRule implements UpdateRule {
    private static final long WINDOW = 1 << 22;

    private final OptimizerConfig config;

    TorchUpdateRule(OptimizerConfig config) {
        this.config = config;
    }

    @Override
    public void update(NDArray w, NDArray g, NDArray[] state, Step step) {
        for (long from = 0; from < w.size(); from += WINDOW) {
            long length = Math.min(WINDOW, w.size() - from);
            try (NDManager scope = w.getManager().newSubManager()) {
                NDArray[] windows = new NDArray[state.length];
                for (int i = 0; i < state.length; i++) {
                    windows[i] = NativeArrays.view(state[i], from, length).attach(scope);
                }
                NDArray weights = NativeArrays.view(w, from, length).attach(scope);
                NDArray gradients = NativeArrays.view(g, from, length).attach(scope)
                        .mul(Aten.number(scope, step.gradientScale()));
                move(weights, gradients, windows, step);
            }
        }
    }

    /** A number for the window's scope. */
    private static NDArray number(NDArray window, double value) {
        return Aten.number(window.getManager(), value);
    }

    private void move(NDArray w, NDArray g, NDArray[] state, Step step) {
        if (config.kind() != OptimizerConfig.Kind.ADAMW && step.weightDecay() > 0) {
            g.addi(w.mul(number(w, step.weightDecay())));
        }
        switch (config.kind()) {
            case ADAMW -> {
                w.muli(number(w, 1 - step.learningRate() * step.weightDecay()));
                adam(w, g, state, step);
            }
            case ADAM -> adam(w, g, state, step);
            case SGD -> sgd(w, g, state, step);
            case RMSPROP -> rmsProp(w, g, state, step);
        }
    }

    private void adam(NDArray w, NDArray g, NDArray[] state, Step step) {
        state[0].muli(number(w, config.beta1())).addi(g.mul(number(w, 1 - config.beta1())));
        state[1].muli(number(w, config.beta2())).addi(g.square().muli(number(w, 1 - config.beta2())));
        double meanCorrection = 1 - Math.pow(config.beta1(), step.number());
        double squareCorrection = 1 - Math.pow(config.beta2(), step.number());
        NDArray root = state[1].sqrt().divi(number(w, Math.sqrt(squareCorrection))).addi(number(w, config.eps()));
        w.subi(state[0].div(root).muli(number(w, step.learningRate() / meanCorrection)));
    }

    private void sgd(NDArray w, NDArray g, NDArray[] state, Step step) {
        NDArray direction = g;
        if (config.momentum() > 0) {
            direction = state[0].muli(number(w, config.momentum())).addi(g);
        }
        w.subi(direction.mul(number(w, step.learningRate())));
    }

    private void rmsProp(NDArray w, NDArray g, NDArray[] state, Step step) {
        state[0].muli(number(w, config.alpha())).addi(g.square().muli(number(w, 1 - config.alpha())));
        NDArray direction = g.div(state[0].sqrt().addi(number(w, config.eps())));
        if (config.momentum() > 0) {
            direction = state[1].muli(number(w, config.momentum())).addi(direction);
        }
        w.subi(direction.mul(number(w, step.learningRate())));
    }
}
