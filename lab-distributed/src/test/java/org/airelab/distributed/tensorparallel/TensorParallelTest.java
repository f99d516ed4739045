package org.airelab.distributed.tensorparallel;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.SplittableRandom;
import java.util.function.BinaryOperator;
import java.util.function.UnaryOperator;
import org.airelab.base.UserError;
import org.airelab.distributed.group.ProcessGroup;
import org.airelab.distributed.group.shm.RankThreads;
import org.airelab.torch.Aten;
import org.airelab.torch.Autograd;
import org.airelab.torch.CustomFunction;
import org.airelab.torch.NativeArrays;
import org.airelab.torch.ScalarType;
import org.airelab.torch.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The ways into and out of what is divided, forward and backward, by ranks that are threads. */
class TensorParallelTest {
    private static final int TIME = 6;
    private static final int WIDTH = 5;

    /** What a rank tries. */
    private interface Trial {
        void run(TensorParallel division, ProcessGroup group, NDManager scope) throws Exception;
    }

    private static void run(int ranks, boolean dividesTime, Trial trial) throws Exception {
        long tensors = Tensor.live();
        int functions = CustomFunction.live();
        RankThreads.run(ranks, RankThreads.LIMITS, group -> {
            try (TensorParallel division = new TensorParallel(group, dividesTime);
                    NDManager scope = NDManager.newBaseManager(); Autograd.Mode on = Autograd.recording()) {
                trial.run(division, group, scope);
            }
        });
        assertEquals(tensors, Tensor.live(), "tensors left open");
        assertEquals(functions, CustomFunction.live(), "functions left registered");
    }

    private static float[] random(long seed, int size) {
        float[] values = new float[size];
        SplittableRandom random = new SplittableRandom(seed);
        for (int i = 0; i < size; i++) {
            values[i] = (float) random.nextDouble(-1, 1);
        }
        return values;
    }

    /** A rank's [batch, time, WIDTH]: every rank knows those of all. */
    private static float[] of(int rank, int batch, int time, long seed) {
        return random(31 * seed + rank, batch * time * WIDTH);
    }

    private static float[] sum(int ranks, int batch, int time, long seed) {
        float[] sum = new float[batch * time * WIDTH];
        for (int rank = 0; rank < ranks; rank++) {
            float[] values = of(rank, batch, time, seed);
            for (int i = 0; i < sum.length; i++) {
                sum[i] += values[i];
            }
        }
        return sum;
    }

    /** The tokens that a rank has of each row of x. */
    private static float[] part(float[] x, int batch, int rank, int ranks) {
        int size = TIME / ranks * WIDTH;
        float[] part = new float[batch * size];
        for (int row = 0; row < batch; row++) {
            System.arraycopy(x, row * TIME * WIDTH + rank * size, part, row * size, size);
        }
        return part;
    }

    /** All ranks' tokens, row by row. */
    private static float[] joined(int batch, int ranks, long seed) {
        int size = TIME / ranks * WIDTH;
        float[] joined = new float[batch * TIME * WIDTH];
        for (int rank = 0; rank < ranks; rank++) {
            float[] values = of(rank, batch, TIME / ranks, seed);
            for (int row = 0; row < batch; row++) {
                System.arraycopy(values, row * size, joined, row * TIME * WIDTH + rank * size, size);
            }
        }
        return joined;
    }

    /** Applies an operator to x and takes a gradient back: the result and x's gradient. */
    private static float[][] apply(NDManager scope, UnaryOperator<NDArray> operator, float[] x, int batch,
            float[] dy) {
        NDArray leaf = scope.create(x, new Shape(batch, x.length / batch / WIDTH, WIDTH));
        leaf.setRequiresGradient(true);
        // As in a layer, where neither the leaf nor its gradient is at the border.
        NDArray y = operator.apply(Aten.scale(scope, leaf, 1)).mul(scope.ones(new Shape(1)));
        Autograd.backward(y, scope.create(dy, y.getShape()));
        return new float[][] {y.toFloatArray(), Autograd.gradient(scope, leaf).toFloatArray()};
    }

    @ParameterizedTest
    @CsvSource({"1,1", "2,1", "2,3", "3,2"})
    void enteringAndLeavingAreEachOthersBackwardPass(int ranks, int batch) throws Exception {
        run(ranks, false, (division, group, scope) -> {
            float[] x = of(0, batch, TIME, 1);
            float[] dy = of(group.rank(), batch, TIME, 2);
            float[][] entered = apply(scope, division::enter, x, batch, dy);
            assertArrayEquals(x, entered[0]);
            assertArrayEquals(sum(ranks, batch, TIME, 2), entered[1], 1e-6f);
            float[][] left = apply(scope, division::leave, dy, batch, x);
            assertArrayEquals(sum(ranks, batch, TIME, 2), left[0], 1e-6f);
            assertArrayEquals(x, left[1]);
        });
    }

    @ParameterizedTest
    @CsvSource({"1,1", "2,1", "2,3", "3,2"})
    void withTimeDivided(int ranks, int batch) throws Exception {
        run(ranks, true, (division, group, scope) -> {
            int rank = group.rank();
            float[] tokens = of(rank, batch, TIME / ranks, 1);
            float[] all = of(rank, batch, TIME, 2);
            float[][] entered = apply(scope, division::enter, tokens, batch, all);
            assertArrayEquals(joined(batch, ranks, 1), entered[0]);
            assertArrayEquals(part(sum(ranks, batch, TIME, 2), batch, rank, ranks), entered[1], 1e-6f);
            float[][] left = apply(scope, division::leave, all, batch, tokens);
            assertArrayEquals(part(sum(ranks, batch, TIME, 2), batch, rank, ranks), left[0], 1e-6f);
            assertArrayEquals(joined(batch, ranks, 1), left[1]);
        });
    }

    /** A product with a weight [out, WIDTH]: the result and both gradients. */
    private static float[][] product(NDManager scope, BinaryOperator<NDArray> product, NDArray x, float[] w, int out) {
        NDArray leaf = Autograd.leaf(scope, x);
        NDArray weight = scope.create(w, new Shape(out, WIDTH));
        weight.setRequiresGradient(true);
        NDArray y = product.apply(leaf, NativeArrays.convert(scope, weight, NativeArrays.type(x)));
        NDArray dy = scope.create(random(9, (int) y.size()), y.getShape());
        Autograd.backward(y, NativeArrays.convert(scope, dy, NativeArrays.type(y)));
        return new float[][] {NativeArrays.floats(y), NativeArrays.floats(Autograd.gradient(scope, leaf)),
            NativeArrays.floats(Autograd.gradient(scope, weight))};
    }

    @ParameterizedTest
    @CsvSource({"false,FLOAT32", "true,FLOAT32", "false,BFLOAT16", "true,FLOAT16"})
    void productsAreTheirParts(boolean dividesTime, ScalarType type) throws Exception {
        int batch = 2;
        int ranks = 3;
        int out = 4;
        run(ranks, dividesTime, (division, group, scope) -> {
            float[] w = random(7 + group.rank(), out * WIDTH);
            // The stream, which is the same on all ranks where they do not divide it, and what each has inside.
            float[] stream = dividesTime ? of(group.rank(), batch, TIME / ranks, 1) : of(0, batch, TIME, 1);
            NDArray outside = NativeArrays.convert(scope, scope.create(stream,
                    new Shape(batch, stream.length / batch / WIDTH, WIDTH)), type);
            NDArray inside = NativeArrays.convert(scope, scope.create(of(group.rank(), batch, TIME, 3),
                    new Shape(batch, TIME, WIDTH)), type);
            float rounding = type == ScalarType.FLOAT32 ? 1e-5f : 5e-2f;
            requireSame(product(scope, (x, m) -> Aten.linear(scope, division.enter(x), m, null), outside, w, out),
                    product(scope, division::columns, outside, w, out), rounding);
            requireSame(product(scope, (x, m) -> division.leave(Aten.linear(scope, x, m, null)), inside, w, out),
                    product(scope, division::rows, inside, w, out), rounding);
        });
    }

    private static void requireSame(float[][] expected, float[][] found, float rounding) {
        assertArrayEquals(expected[0], found[0], rounding, "result");
        assertArrayEquals(expected[1], found[1], rounding, "gradient of x");
        assertArrayEquals(expected[2], found[2], rounding, "gradient of the weight");
    }

    @Test
    void everyRankGetsAllArrays() throws Exception {
        run(3, false, (division, group, scope) -> {
            NDArray all = division.all(scope.create(new float[] {group.rank(), 2}, new Shape(2, 1)));
            assertEquals(new Shape(3, 2, 1), all.getShape());
            assertArrayEquals(new float[] {0, 2, 1, 2, 2, 2}, all.toFloatArray());
        });
    }

    @Test
    void timeThatDoesNotGoRoundIsRefused() throws Exception {
        run(2, true, (division, group, scope) -> {
            UserError error = assertThrows(UserError.class, () -> division.leave(scope.ones(new Shape(1, 5, 2))));
            assertEquals("sequence parallelism of 2 ranks needs a multiple of 2 tokens in a sequence, or in the part of"
                    + " it that they have, found 5.", error.getMessage());
            assertEquals(UserError.BAD_INPUT, error.exitCode());
        });
    }

    /** In the middle of a backward pass, where libtorch is between. */
    @Test
    void whoStopsIsNamed() throws Exception {
        run(2, false, (division, group, scope) -> {
            if (group.rank() == 1) {
                group.abort("rank 1 stopped: it is full");
            } else {
                NDArray x = scope.ones(new Shape(1, 2, 2));
                x.setRequiresGradient(true);
                NDArray y = division.enter(x);
                UserError error = assertThrows(UserError.class, () -> Autograd.backward(y, y.onesLike()));
                assertTrue(error.getMessage().startsWith("rank 1 stopped"), error.getMessage());
            }
        });
    }
}
