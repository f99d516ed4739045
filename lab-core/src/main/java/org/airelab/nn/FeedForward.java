package org.airelab.nn;

import ai.djl.ndarray.NDArray;
import ai.djl.training.ParameterStore;

/** The feed-forward block, position by position: x [..., dim] to the same shape. */
public final class FeedForward extends LayerBlock {
    private final ModelConfig.FeedForwardKind kind;
    private final LayerOps ops;
    private final Linear up;
    private final Linear down;

    /**
     * @param init    standard deviation of the first matrix (for SwiGLU: gate and up, packed)
     * @param outInit standard deviation of the last matrix
     */
    public FeedForward(ModelConfig config, LayerOps ops, double init, double outInit) {
        this.kind = config.feedForward();
        this.ops = ops;
        int width = config.hiddenDim() * (kind == ModelConfig.FeedForwardKind.SWIGLU ? 2 : 1);
        String first = kind == ModelConfig.FeedForwardKind.SWIGLU ? "gate_up" : "up";
        up = child(first, new Linear(config.dim(), width, config.bias(), init));
        down = child("down", new Linear(config.hiddenDim(), config.dim(), config.bias(), outInit));
    }

    @Override
    public NDArray forward(ParameterStore parameters, NDArray x, boolean training) {
        NDArray hidden = up.forward(parameters, x, training);
        NDArray active = switch (kind) {
            case SWIGLU -> ops.swiGlu(hidden);
            case GELU -> ops.gelu(hidden);
            case RELU -> ops.relu(hidden);
        };
        return down.forward(parameters, active, training);
    }
}
