package org.airelab.nn;

import ai.djl.nn.Parameter;
import java.util.List;

/**
 * A parameter before it has memory: what it is, its shape, and how it starts.
 *
 * @param parameter DJL's parameter, without an array until one is bound
 * @param path      unique name in the model: {@code layers.0.attention.qkv.weight}
 * @param role      what it does, which decides on weight decay
 * @param shape     sizes of what this rank has
 * @param init      standard deviation of its normal start around 0, or {@link #ONES} or {@link #ZEROS}
 * @param cut       what that is of the whole parameter; null where it is the whole
 */
public record ParameterSpec(Parameter parameter, String path, Role role, long[] shape, double init, Cut cut) {
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

    /** Number of elements that this rank has. */
    public long elements() {
        long count = 1;
        for (long size : shape) {
            count *= size;
        }
        return count;
    }

    /** Number of elements for which every rank leaves room. */
    long room() {
        return cut == null ? elements() : cut.room();
    }

    /** Sizes of the whole parameter. */
    public long[] wholeShape() {
        return cut == null ? shape : cut.whole();
    }

    /** Where this rank's elements belong in the whole parameter, in their order. */
    public List<Cut.Run> runs() {
        return runs(0, elements());
    }

    /** The same of those from {@code from} to before {@code to}. */
    public List<Cut.Run> runs(long from, long to) {
        return cut == null ? List.of(new Cut.Run(from, from, to - from)) : cut.runs(from, to);
    }

    ParameterSpec under(String prefix) {
        return new ParameterSpec(parameter, prefix + "." + path, role, shape, init, cut);
    }
}
