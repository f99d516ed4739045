package org.airelab.train;

import org.airelab.nn.ModelConfig;

/**
 * Floating-point operations of training, by the formula of PaLM's appendix B (Chowdhery et al. 2022): 6 N + 12 L H Q T
 * a token, where N counts the weights of matrix products (a tied embedding once, as the output matrix; no lookup
 * tables, norms and biases), L layers, H heads of size Q, T the context. Causality and recomputation change nothing.
 */
public final class ModelFlops {
    private ModelFlops() {
    }

    /** Operations a token, forward and backward. */
    public static double perToken(ModelConfig config) {
        return 6.0 * matrixWeights(config) + 12.0 * config.layers() * config.dim() * config.contextLength();
    }

    private static double matrixWeights(ModelConfig c) {
        int matrices = c.feedForward() == ModelConfig.FeedForwardKind.SWIGLU ? 3 : 2;
        double layer = (double) c.dim() * (c.qkvDim() + c.dim()) + (double) matrices * c.dim() * c.hiddenDim();
        return c.layers() * layer + (double) c.dim() * c.vocabSize();
    }
}
