package org.airelab.nn;

import ai.djl.ndarray.NDArray;
import ai.djl.nn.Parameter;
import ai.djl.training.ParameterStore;

/** RMSNorm or LayerNorm over the last dimension of [..., dim]; computes in float32 whatever comes in. */
public final class Normalization extends LayerBlock {
    private final LayerOps ops;
    private final double eps;
    private final Parameter weight;
    private final Parameter bias;

    /** The normalization a configuration asks for. */
    public Normalization(ModelConfig config, LayerOps ops) {
        this.ops = ops;
        this.eps = config.normEps();
        weight = declare("weight", ParameterSpec.Role.NORM, ParameterSpec.ONES, config.dim());
        bias = config.norm() == ModelConfig.Norm.LAYER
                ? declare("bias", ParameterSpec.Role.NORM, ParameterSpec.ZEROS, config.dim()) : null;
    }

    @Override
    public NDArray forward(ParameterStore parameters, NDArray x, boolean training) {
        NDArray w = value(parameters, weight, x, training);
        return bias == null ? ops.rmsNorm(x, w, eps) : ops.layerNorm(x, w, value(parameters, bias, x, training), eps);
    }

    /** Normalizes x + y, or x where y is null, which may be overwritten; gives both. */
    LayerOps.Normed forwardOfSum(ParameterStore parameters, NDArray x, NDArray y, boolean training) {
        NDArray w = value(parameters, weight, x, training);
        return bias == null ? ops.rmsNormOfSum(x, y, w, eps)
                : ops.layerNormOfSum(x, y, w, value(parameters, bias, x, training), eps);
    }
}
