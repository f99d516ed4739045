package org.airelab.nn;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.nn.Parameter;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.airelab.kernels.activation.Activation;
import org.airelab.kernels.attention.Attention;
import org.airelab.torch.CustomFunction;
import org.airelab.torch.DeviceKernels;
import org.airelab.torch.JavaFunction;
import org.airelab.torch.NativeArrays;
import org.airelab.torch.PairFunction;
import org.airelab.torch.ScalarType;
import org.airelab.torch.Tensor;

/**
 * A decoder layer's operations by the lab's kernels. Weights of norms are rounded to the type of what they scale.
 * Attention that they do not compute goes to plain operators. Close it when the model is no longer computed.
 */
public final class FusedOps implements LayerOps, AutoCloseable {
    private final TorchOps plain;
    private final DeviceKernels kernels;
    private final boolean fusedAttention;
    private final ContextDivision division;
    private final CustomFunction rmsNorm;
    private final CustomFunction layerNorm;
    private final PairFunction rmsNormOfSum;
    private final PairFunction layerNormOfSum;
    private final CustomFunction attention;
    private final CustomFunction swiGlu;
    private final CustomFunction gelu;
    private final CustomFunction relu;
    private final List<JavaFunction> ofParameters = new ArrayList<>();

    /** Of whole sequences. */
    public FusedOps(ModelConfig config, DeviceKernels kernels, ScalarType type, TorchOps plain) {
        this(config, kernels, type, plain, ContextExchange.NONE, TensorDivision.NONE);
    }

    /**
     * @param kernels those of the model's device; they stay the caller's
     * @param type    what layers compute in
     * @param plain   computes what the kernels do not; not attention, where other ranks have tokens
     * @param context reaches those
     * @param tensors how layers are divided; {@code plain} is of the same division
     */
    public FusedOps(ModelConfig config, DeviceKernels kernels, ScalarType type, TorchOps plain,
            ContextExchange context, TensorDivision tensors) {
        this.plain = plain;
        this.kernels = kernels;
        this.fusedAttention = fusesAttention(config, kernels, type);
        this.division = context.division();
        // First: when it fails, none is registered.
        this.attention = new AttentionFunction(kernels, config, context, HeadCounts.of(config, tensors));
        this.rmsNorm = new RmsNormFunction(kernels, (float) config.normEps());
        this.layerNorm = new LayerNormFunction(kernels, (float) config.normEps());
        this.rmsNormOfSum = new RmsNormOfSumFunction(kernels, (float) config.normEps());
        this.layerNormOfSum = new LayerNormOfSumFunction(kernels, (float) config.normEps());
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
        List.of(rmsNorm, layerNorm, rmsNormOfSum, layerNormOfSum, attention, swiGlu, gelu, relu)
                .forEach(JavaFunction::close);
        ofParameters.forEach(JavaFunction::close);
    }

    @Override
    public NDArray rmsNorm(NDArray x, NDArray weight, double eps) {
        return rmsNorm.apply(x.getManager(), x, asOf(x, weight));
    }

    @Override
    public NDArray layerNorm(NDArray x, NDArray weight, NDArray bias, double eps) {
        NDManager scope = x.getManager();
        NDArray both = NDArrays.stack(new NDList(weight, bias));
        both.attach(scope);
        return layerNorm.apply(scope, x, NativeArrays.convert(scope, both, NativeArrays.type(x)));
    }

    @Override
    public Normed rmsNormOfSum(NDArray x, NDArray y, NDArray weight, double eps) {
        return normed(rmsNormOfSum.apply(x.getManager(), x, y, asOf(x, weight), null));
    }

    @Override
    public Normed layerNormOfSum(NDArray x, NDArray y, NDArray weight, NDArray bias, double eps) {
        return normed(layerNormOfSum.apply(x.getManager(), x, y, asOf(x, weight), asOf(x, bias)));
    }

    private static NDArray asOf(NDArray x, NDArray weight) {
        return NativeArrays.convert(x.getManager(), weight, NativeArrays.type(x));
    }

    private static Normed normed(PairFunction.Pair pair) {
        return new Normed(pair.second(), pair.first());
    }

    @Override
    public NDArray selfAttention(NDArray qkv, double dropout) {
        if (fusedAttention && dropout == 0) {
            return attention.apply(qkv.getManager(), qkv, qkv);
        }
        if (division.ranks() > 1) {
            throw new IllegalStateException("there is no kernel for attention over several ranks");
        }
        return plain.selfAttention(qkv, dropout);
    }

    @Override
    public ContextDivision division() {
        return division;
    }

    @Override
    public UnaryOperator<NDArray> linear(Parameter weight, Parameter bias) {
        LinearFunction function = new LinearFunction(kernels, weight, bias);
        ofParameters.add(function);
        return function::of;
    }

    @Override
    public UnaryOperator<NDArray> embedding(Parameter weight) {
        EmbeddingFunction function = new EmbeddingFunction(kernels, weight);
        ofParameters.add(function);
        return function::of;
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
