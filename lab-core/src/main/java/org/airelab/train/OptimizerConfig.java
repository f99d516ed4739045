package org.airelab.train;

import java.util.List;
import java.util.Objects;

/**
 * Which optimizer, and its constants.
 *
 * @param kind         the update rule
 * @param learningRate peak learning rate
 * @param beta1        decay of the mean of gradients (AdamW, Adam)
 * @param beta2        decay of the mean of squared gradients (AdamW, Adam)
 * @param eps          added to the root (AdamW, Adam, RMSProp)
 * @param weightDecay  decoupled in AdamW, added to the gradient in the others; never on norms, biases and embeddings
 * @param momentum     of SGD and RMSProp
 * @param alpha        decay of the mean of squared gradients in RMSProp
 * @param clipNorm     largest global norm of the gradients; 0 for no limit
 */
public record OptimizerConfig(Kind kind, double learningRate, double beta1, double beta2, double eps,
        double weightDecay, double momentum, double alpha, double clipNorm) {
    /** The update rule. */
    public enum Kind {
        /** Adam with decoupled weight decay (Loshchilov and Hutter 2019, algorithm 2). */
        ADAMW,
        /** Adam (Kingma and Ba 2015, algorithm 1), weight decay added to the gradient. */
        ADAM,
        /** Gradient descent with momentum as PyTorch has it (Sutskever et al. 2013). */
        SGD,
        /** RMSProp as PyTorch has it (Hinton's lecture 6e), with momentum. */
        RMSPROP
    }

    public OptimizerConfig {
        Objects.requireNonNull(kind, "kind");
        require(learningRate >= 0 && Double.isFinite(learningRate), "learning_rate", "at least 0", learningRate);
        require(beta1 >= 0 && beta1 < 1, "beta1", "at least 0 and below 1", beta1);
        require(beta2 >= 0 && beta2 < 1, "beta2", "at least 0 and below 1", beta2);
        require(eps >= 0 && Double.isFinite(eps), "eps", "at least 0", eps);
        require(weightDecay >= 0 && Double.isFinite(weightDecay), "weight_decay", "at least 0", weightDecay);
        require(momentum >= 0 && momentum < 1, "momentum", "at least 0 and below 1", momentum);
        require(alpha >= 0 && alpha < 1, "alpha", "at least 0 and below 1", alpha);
        require(clipNorm >= 0, "clip_norm", "at least 0", clipNorm);
    }

    private static void require(boolean condition, String name, String allowed, double found) {
        if (!condition) {
            throw new IllegalArgumentException(name + " must be " + allowed + ", found " + found);
        }
    }

    /** Names of the state buffers, each of the weights' size, that start as zeros. */
    public List<String> stateNames() {
        return switch (kind) {
            case ADAMW, ADAM -> List.of("exp_avg", "exp_avg_sq");
            case SGD -> momentum > 0 ? List.of("momentum_buffer") : List.of();
            case RMSPROP -> momentum > 0 ? List.of("square_avg", "momentum_buffer") : List.of("square_avg");
        };
    }

    /** AdamW as language models use it: 0.9, 0.95, 1e-8, decay 0.1, clipped at 1 (Brown et al. 2020, appendix B). */
    public static OptimizerConfig adamW(double learningRate) {
        return new OptimizerConfig(Kind.ADAMW, learningRate, 0.9, 0.95, 1e-8, 0.1, 0.9, 0.99, 1.0);
    }
}
