package org.airelab.nn;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import java.util.List;
import java.util.Optional;
import org.airelab.kernels.activation.Activation;
import org.airelab.kernels.attention.Attention;
import org.airelab.torch.CustomFunction;
import org.airelab.torch.DeviceKernels;
import org.airelab.torch.NativeArrays;
import org.airelab.torch.ScalarType;
import org.airelab.torch.Tensor;

/**
 * A decoder layer's operations by the lab's kernels. Weights of norms are rounded to the type of what they scale.
 * Attention that they do not compute goes to plain operators. Close it when the model is no longer computed.
 */
public final class FusedOps implements LayerOps, AutoCloseable {
    private final TorchOps plain;
    private final boolean fusedAttention;
    private final CustomFunction rmsNorm;
    private final CustomFunction layerNorm;
    private final CustomFunction attention;
    private final CustomFunction swiGlu;
    private final CustomFunction gelu;
    private final CustomFunction relu;

    /**
     * @param kernels those of the model's device; they stay the caller's
     * @param type    what layers compute in
     * @param plain   computes what the kernels do not
     */
    public FusedOps(ModelConfig config, DeviceKernels kernels, ScalarType type, TorchOps plain) {
        this(config, kernels, type, plain, TensorDivision.NONE);
    }

    /** The same for a rank that has some of the heads; {@code plain} is of the same division. */
    public FusedOps(ModelConfig config, DeviceKernels kernels, ScalarType type, TorchOps plain,
            TensorDivision division) {
        this.plain = plain;
        this.fusedAttention = fusesAttention(config, kernels, type);
        // First: when it fails, none is registered.
        this.attention = new AttentionFunction(kernels, config, HeadCounts.of(config, division));
        this.rmsNorm = new RmsNormFunction(kernels, (float) config.normEps());
        this.layerNorm = new LayerNormFunction(kernels, (float) config.normEps());
        this.swiGlu = new SwiGluFunction(kernels);
        this.gelu = new ActivationFunction(kernels, Activation.GELU_TANH);
        this.relu = new ActivationFunction(kernels, Activation.RELU);
    }

    /** The operation of the configuration's layers that has no kernel, in words. */
    public static Optional<String> missing(ModelConfig config, DeviceKernels kernels, ScalarType type) {
        if (config.dropout() > 0) {
            return Optional.of("attention with dropout");
        }
        return fusesAttention(config, kernels, type) ? Optional.empty()
                : Optional.of("attention with heads of size " + config.headSize());
    }

    private static boolean fusesAttention(ModelConfig config, DeviceKernels kernels, ScalarType type) {
        return kernels.of(Attention.FAMILY, type).takes(config.headSize());
    }

    @Override
    public void close() {
        List.of(rmsNorm, layerNorm, attention, swiGlu, gelu, relu).forEach(CustomFunction::close);
    }

    @Override
    public NDArray rmsNorm(NDArray x, NDArray weight, double eps) {
        return rmsNorm.apply(x.getManager(), x, NativeArrays.convert(x.getManager(), weight, NativeArrays.type(x)));
    }

    @Override
    public NDArray layerNorm(NDArray x, NDArray weight, NDArray bias, double eps) {
        NDManager scope = x.getManager();
        NDArray both = NDArrays.stack(new NDList(weight, bias));
        both.attach(scope);
        return layerNorm.apply(scope, x, NativeArrays.convert(scope, both, NativeArrays.type(x)));
    }

    @Override
    public NDArray selfAttention(NDArray qkv, double dropout) {
        return fusedAttention && dropout == 0 ? attention.apply(qkv.getManager(), qkv, qkv)
                : plain.selfAttention(qkv, dropout);
    }

    @Override
    public NDArray swiGlu(NDArray gateUp) {
        return swiGlu.apply(gateUp.getManager(), gateUp, gateUp);
    }

    @Override
    public NDArray gelu(NDArray x) {
        return gelu.apply(x.getManager(), x, x);
    }

    @Override
    public NDArray relu(NDArray x) {
        return relu.apply(x.getManager(), x, x);
    }

    /** A tensor's shape with another last dimension. */
    static long[] withLast(Tensor x, long last) {
        long[] shape = x.shape();
        shape[shape.length - 1] = last;
        return shape;
    }
}
