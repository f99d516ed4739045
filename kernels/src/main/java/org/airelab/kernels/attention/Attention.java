package org.airelab.kernels.attention;

import java.lang.foreign.MemorySegment;
import java.util.List;
import org.airelab.kernels.DType;
import org.airelab.kernels.Family;
import org.airelab.kernels.Rung;
import org.airelab.kernels.cpu.Buffers;
import org.airelab.kernels.cpu.Cores;
import org.airelab.kernels.rotary.RotaryTable;

/**
 * Scaled dot-product attention, softmax(Q K^T / sqrt(headSize)) V for each head.
 *
 * <p>Vaswani et al., "Attention Is All You Need", 2017, equation 1; the backward pass recomputes the probabilities from
 * the log-sum-exps as in Dao, "FlashAttention-2", 2023, algorithm 2. All segments are float32, but for a CUDA
 * rung in another element type, all but the log-sum-exps are of that type. Sizes that do not fit, and head sizes that a
 * rung does not take, are an {@link IllegalArgumentException}.
 *
 * <p>Every rung but the reference takes the results that its backward pass is given as they are. They may be those over
 * more keys than the pass sees: it then gives these keys' part of the gradients.
 *
 * <p>NaN and infinities come out where the formulas bring them, as in PyTorch. A score of -infinity is a probability of
 * 0. A key whose scores all are has gradients of 0, and so has its value; but 0 times infinity is NaN: of every query
 * that sees an infinite key the gradient is NaN in the elements in which the key is infinite. In two things rungs may
 * differ from the reference. Those that work on blocks of positions compute with what is at masked positions, too, and
 * so may bring NaN from there to results of the same block. And what their float32, or a half type, cannot hold is
 * infinite or 0 to them: a query all of whose scores are below -3.4e38 has none.
 *
 * <p>A query all of whose scores are -infinity has no probabilities: its output is 0 / 0, NaN, as are the gradients of
 * all that it sees (PyTorch's {@code scaled_dot_product_attention} gives zeros). Its log-sum-exp is ln 0, -infinity, by
 * which whoever puts together results over more keys knows that these count for nothing.
 */
public interface Attention extends Rung {
    Family<Attention> FAMILY =
            new Family<>("attention", new ReferenceAttention(), List.of(new ScalarAttention(), new BlockedAttention(),
                    new VectorAttention(Cores.ONE), new VectorAttention(Cores.ALL)), CudaAttentions.rungs());

    /** Whether the rung takes heads of a size, at least 1. */
    default boolean takes(int headSize) {
        return true;
    }

    /**
     * @param qkv [batch, time, packedWidth], packed as {@link AttentionShape} says, already rotated
     * @param out [batch, time, heads * headSize], written
     * @param lse [batch, heads, time], written: the natural logarithm of each row's sum of e^score
     */
    void forward(AttentionShape shape, MemorySegment qkv, MemorySegment out, MemorySegment lse);

    /**
     * @param dOut [batch, time, heads * headSize], gradient with respect to out
     * @param qkv  as given to the forward pass
     * @param out  as written by the forward pass
     * @param lse  as written by the forward pass
     * @param dQkv [batch, time, packedWidth], overwritten; bit for bit the same however threads interleave
     */
    void backward(AttentionShape shape, MemorySegment dOut, MemorySegment qkv, MemorySegment out, MemorySegment lse,
            MemorySegment dQkv);

    /**
     * {@link #backward} of rows whose queries and keys were rotated, which a rung may turn back at once.
     *
     * @param table by which they were rotated, each row by its place in its sequence; where the rung reads it
     * @return whether dQkv is the gradient of the rows before they were rotated; else it is what {@link #backward}
     * gives
     */
    default boolean backwardOfRotated(AttentionShape shape, RotaryTable table, MemorySegment dOut, MemorySegment qkv,
            MemorySegment out, MemorySegment lse, MemorySegment dQkv) {
        check(shape, table);
        backward(shape, dOut, qkv, out, lse, dQkv);
        return false;
    }

    /** Checks that a table is that of a shape. */
    static void check(AttentionShape shape, RotaryTable table) {
        if (table.headSize() != shape.headSize() || table.maxTime() < shape.time()) {
            throw new IllegalArgumentException("expected angles of heads of " + shape.headSize() + " at "
                    + shape.time() + " positions, found of " + table.headSize() + " at " + table.maxTime());
        }
    }

    /** Checks the arguments of {@link #forward} in float32. */
    static void check(AttentionShape shape, MemorySegment qkv, MemorySegment out, MemorySegment lse) {
        check(shape, DType.FP32, qkv, out, lse);
    }

    /** Checks the arguments of {@link #forward}. */
    static void check(AttentionShape shape, DType dtype, MemorySegment qkv, MemorySegment out, MemorySegment lse) {
        Buffers.elements("qkv", qkv, shape.packedSize(), dtype);
        Buffers.elements("out", out, shape.outSize(), dtype);
        Buffers.floats("lse", lse, shape.lseSize());
    }

    /** Checks the arguments of {@link #backward} in float32. */
    static void check(AttentionShape shape, MemorySegment dOut, MemorySegment qkv, MemorySegment out,
            MemorySegment lse, MemorySegment dQkv) {
        check(shape, DType.FP32, dOut, qkv, out, lse, dQkv);
    }

    /** Checks the arguments of {@link #backward}. */
    static void check(AttentionShape shape, DType dtype, MemorySegment dOut, MemorySegment qkv, MemorySegment out,
            MemorySegment lse, MemorySegment dQkv) {
        check(shape, dtype, qkv, out, lse);
        Buffers.elements("dOut", dOut, shape.outSize(), dtype);
        Buffers.elements("dQkv", dQkv, shape.packedSize(), dtype);
    }
}
