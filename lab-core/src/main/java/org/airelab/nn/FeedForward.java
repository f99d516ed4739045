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
     * @param division by hidden units
     * @param init     standard deviation of the first matrix (for SwiGLU: gate and up, packed)
     * @param outInit  standard deviation of the last matrix
     */
    public FeedForward(ModelConfig config, TensorDivision division, LayerOps ops, double init, double outInit) {
        this.kind = config.feedForward();
        this.ops = ops;
        long hidden = config.hiddenDim();
        boolean gated = kind == ModelConfig.FeedForwardKind.SWIGLU;
        up = child(gated ? "gate_up" : "up", Linear.columns(division, ops, config.dim(), config.bias(), init,
                gated ? new long[] {hidden, hidden} : new long[] {hidden}));
        down = child("down", Linear.rows(division, ops, hidden, config.dim(), config.bias(), outInit));
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
