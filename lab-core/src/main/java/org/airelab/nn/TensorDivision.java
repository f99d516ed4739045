package org.airelab.nn;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.jni.JniUtils;
import java.util.function.Supplier;
import org.airelab.base.SplitMix64;
import org.airelab.base.UserError;
import org.airelab.torch.Aten;
import org.airelab.torch.ScalarType;

/**
 * How the insides of layers are divided among ranks: tensor parallelism (Shoeybi et al. 2019, section 3). A rank has
 * some of the heads, of the hidden units and of the vocabulary's rows. Of two products in a row the first gives each
 * rank some columns, which it needs nobody for, and the second takes those as its rows, so that its results add up to
 * the whole.
 *
 * <p>Between such pairs all ranks have the same stream x [batch, time, dim]; or each has its own tokens of it, rank r
 * the r-th of equal parts of the time, which is sequence parallelism (Korthikanti et al. 2022, section 4.2.2). The
 * stream's shape is then [batch, time / ranks, dim].
 *
 * <p>All ranks compute the same layers of the same tokens, in the same order. All methods are recorded by autograd but
 * {@link #all}; results belong to the manager of the first operand.
 */
public interface TensorDivision {
    /** Where there is one rank. */
    TensorDivision NONE = new TensorDivision() {
        @Override
        public int rank() {
            return 0;
        }

        @Override
        public int ranks() {
            return 1;
        }

        @Override
        public boolean dividesTime() {
            return false;
        }

        @Override
        public NDArray enter(NDArray x) {
            return x;
        }

        @Override
        public NDArray leave(NDArray x) {
            return x;
        }

        @Override
        public NDArray columns(NDArray x, NDArray weight) {
            return Aten.linear(x.getManager(), x, weight, null);
        }

        @Override
        public NDArray rows(NDArray x, NDArray weight) {
            return Aten.linear(x.getManager(), x, weight, null);
        }

        @Override
        public NDArray all(NDArray mine) {
            return mine.expandDims(0);
        }
    };

    /** This rank, from 0. */
    int rank();

    /** The number of ranks. */
    int ranks();

    /** Whether each rank has its own tokens of the stream. */
    boolean dividesTime();

    /**
     * From the stream to the whole of it, [batch, time, dim], for something of which each rank computes a part;
     * backward from each rank's gradient, whose sum is the whole one, to the stream's.
     */
    NDArray enter(NDArray x);

    /**
     * From each rank's x [batch, time, dim], whose sum is the whole, to the stream; backward from the stream's gradient
     * to the whole one. It may overwrite {@code x}, so nothing else may read that.
     */
    NDArray leave(NDArray x);

    /** {@code enter(x) weight^T} with a rank's rows of a weight: [batch, time, out / ranks]. */
    NDArray columns(NDArray x, NDArray weight);

    /** {@code leave(x weight^T)} with a rank's columns of a weight and x [batch, time, in / ranks]. */
    NDArray rows(NDArray x, NDArray weight);

    /** All ranks' arrays, in their order, [ranks, ...]: the same bits on each. The arrays have one shape. */
    NDArray all(NDArray mine);

    /** This rank's share of a parameter, as {@link Cut#of} has it; null where there is one rank. */
    default Cut cut(long[] whole, int dimension, long... parts) {
        return ranks() == 1 ? null : Cut.of(rank(), ranks(), whole, dimension, parts);
    }

    /** This rank's share of {@code size} indices. */
    default Cut.Range range(long size) {
        return Cut.Range.of(size, rank(), ranks());
    }

    /**
     * Computes something with random numbers of this rank's own, for what it alone has. What comes after it finds the
     * same numbers on all ranks, if what came before has.
     */
    default NDArray withOwnRandomNumbers(Supplier<NDArray> operation) {
        if (ranks() == 1) {
            return operation.get();
        }
        long shared;
        // From the CPU's generator, which is seeded with the devices': nobody waits for a device.
        try (NDManager cpu = NDManager.newBaseManager(Device.cpu())) {
            shared = cpu.randomInteger(0, Long.MAX_VALUE, new Shape(1), DataType.INT64).getLong(0);
        }
        JniUtils.setSeed(SplitMix64.of(shared, 1 + rank()).nextLong());
        NDArray result = operation.get();
        JniUtils.setSeed(SplitMix64.of(shared, 0).nextLong());
        return result;
    }

    /** The same where the stream is divided; else plainly, with numbers that are the same on all ranks. */
    default NDArray withRandomNumbersOfTheStream(Supplier<NDArray> operation) {
        return dividesTime() ? withOwnRandomNumbers(operation) : operation.get();
    }

    /**
     * Refuses a model that cannot be divided among this many ranks.
     *
     * @param type in which its parameters are kept
     * @throws UserError (bad input) that names the size that does not go round
     */
    default void require(ModelConfig config, ScalarType type) {
        requireDivisible(ranks(), config);
        if (ranks() > 1 && type == ScalarType.FLOAT64) {
            throw UserError.badInput("tensor parallelism sums in float32 or a half type, and this model is kept in "
                    + type + ".", "Use --precision fp32, bf16 or fp16.");
        }
    }

    /** The same of a model that is not there yet, whatever it is kept in. */
    static void requireDivisible(int ranks, ModelConfig config) {
        requireMultiple(ranks, "heads", config.heads());
        requireMultiple(ranks, "kv_heads", config.kvHeads());
        requireMultiple(ranks, "hidden_dim", config.hiddenDim());
        if (config.vocabSize() < ranks) {
            throw UserError.badInput("tensor parallelism of " + ranks + " ranks divides the vocabulary, which has "
                    + config.vocabSize() + " tokens.", "Use fewer ranks of tensor parallelism.");
        }
    }

    private static void requireMultiple(int ranks, String name, int size) {
        if (size % ranks != 0) {
            throw UserError.badInput("tensor parallelism of " + ranks + " ranks needs a multiple of " + ranks
                    + " as model." + name + ", found " + size + ".",
                    "Use another number of ranks for it, or another model." + name + ".");
        }
    }
}
