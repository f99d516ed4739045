package org.airelab.nn;

import ai.djl.nn.Parameter;

/**
 * A parameter before it has memory: what it is, its shape, and how it starts.
 *
 * @param parameter DJL's parameter, without an array until one is bound
 * @param path      unique name in the model: {@code layers.0.attention.qkv.weight}
 * @param role      what it does, which decides on weight decay
 * @param shape     sizes
 * @param init      standard deviation of its normal start around 0, or {@link #ONES} or {@link #ZEROS}
 */
public record ParameterSpec(Parameter parameter, String path, Role role, long[] shape, double init) {
    /** Starts as ones. */
    public static final double ONES = -1;
    /** Starts as zeros. */
    public static final double ZEROS = 0;

    /** What a parameter does. */
    public enum Role {
        /** The matrix of a linear layer. */
        MATRIX,
        /** A table of vectors: tokens or positions. */
        EMBEDDING,
        /** Weight or bias of a normalization. */
        NORM,
        /** Bias of a linear layer. */
        BIAS
    }

    /** Number of elements. */
    public long elements() {
        long count = 1;
        for (long size : shape) {
            count *= size;
        }
        return count;
    }

    ParameterSpec under(String prefix) {
        return new ParameterSpec(parameter, prefix + "." + path, role, shape, init);
    }
}
