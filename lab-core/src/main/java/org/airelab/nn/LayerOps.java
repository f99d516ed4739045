package org.airelab.nn;

import ai.djl.ndarray.NDArray;
import ai.djl.nn.Parameter;
import java.util.function.UnaryOperator;

/**
 * The operations of a decoder layer that are worth a kernel of their own, each differentiable. Results belong to the
 * manager of the first operand. {@link TorchOps} computes them with plain operators on any device and in any
 * precision, {@link FusedOps} with the lab's kernels.
 */
public interface LayerOps {
    /** x / sqrt(mean(x^2) + eps) * weight over the last dimension. */
    NDArray rmsNorm(NDArray x, NDArray weight, double eps);

    /** (x - mean) / sqrt(var + eps) * weight + bias over the last dimension. */
    NDArray layerNorm(NDArray x, NDArray weight, NDArray bias, double eps);

    /** A sum, or x alone, and its norm. Both are used. */
    record Normed(NDArray sum, NDArray normed) {
    }

    /**
     * {@link #rmsNorm} of x + y.
     *
     * @param y of x's shape, or null for 0; it may be overwritten, so nothing else may read it
     */
    default Normed rmsNormOfSum(NDArray x, NDArray y, NDArray weight, double eps) {
        NDArray sum = y == null ? x : x.add(y);
        return new Normed(sum, rmsNorm(sum, weight, eps));
    }

    /** {@link #layerNorm} of x + y, likewise. */
    default Normed layerNormOfSum(NDArray x, NDArray y, NDArray weight, NDArray bias, double eps) {
        NDArray sum = y == null ? x : x.add(y);
        return new Normed(sum, layerNorm(sum, weight, bias, eps));
    }

    /**
     * Causal self-attention of packed rows, which are those that {@link #division} says of each sequence.
     *
     * @param qkv [batch, time, (heads + 2 kvHeads) * headSize]: queries, then keys, then values. It may be
     *            overwritten, so nothing else may read it.
     * @param dropout probability with which an attention weight is dropped
     * @return [batch, time, heads * headSize]
     */
    NDArray selfAttention(NDArray qkv, double dropout);

    /** Which tokens of a sequence this rank has; attention alone reaches those of others. */
    default ContextDivision division() {
        return ContextDivision.NONE;
    }

    /**
     * {@code x W^T + b} in training of parameters that will have memory: W [out, in], b [out] or null. Null where it is
     * computed by plain operators.
     */
    default UnaryOperator<NDArray> linear(Parameter weight, Parameter bias) {
        return null;
    }

    /**
     * Rows by int64 ids in training of a parameter that will have memory, [vocabulary, dim]. Null where they are looked
     * up by plain operators.
     */
    default UnaryOperator<NDArray> embedding(Parameter weight) {
        return null;
    }

    /** SiLU(gate) * up of packed rows [..., 2 hidden], the gate first. */
    NDArray swiGlu(NDArray gateUp);

    /** GELU by its tanh approximation. */
    NDArray gelu(NDArray x);

    /** max(0, x). */
    NDArray relu(NDArray x);
}
