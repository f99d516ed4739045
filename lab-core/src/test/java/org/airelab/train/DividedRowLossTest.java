package org.airelab.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.airelab.nn.Cut;
import org.airelab.nn.TensorDivision;
import org.airelab.torch.Aten;
import org.airelab.torch.Autograd;
import org.airelab.torch.NativeArrays;
import org.airelab.torch.ScalarType;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The cross-entropy of ranks that are threads against that of all logits in float64. */
class DividedRowLossTest {
    private static final int ROWS = 37;
    private static final double SCALE = 0.75;

    /** Ranks that lay their arrays on a table. */
    private record AtATable(int rank, int ranks, float[][] table, CyclicBarrier barrier) implements TensorDivision {
        @Override
        public boolean dividesTime() {
            return false;
        }

        @Override
        public NDArray enter(NDArray x) {
            throw new AssertionError("nobody asks for this here");
        }

        @Override
        public NDArray leave(NDArray x) {
            throw new AssertionError("nobody asks for this here");
        }

        @Override
        public NDArray columns(NDArray x, NDArray weight) {
            throw new AssertionError("nobody asks for this here");
        }

        @Override
        public NDArray rows(NDArray x, NDArray weight) {
            throw new AssertionError("nobody asks for this here");
        }

        @Override
        public NDArray all(NDArray mine) {
            try {
                table[rank] = mine.toFloatArray();
                barrier.await();
                NDArray all = mine.getManager().create(table).reshape(new Shape(ranks).addAll(mine.getShape()));
                barrier.await();
                return all;
            } catch (Exception e) {
                throw new AssertionError(e);
            }
        }
    }

    /** What a rank has found: losses without and with gradients, and the gradient of its logits. */
    private record Found(float[] forward, float[] losses, float[] gradient) {
    }

    private static float[] logits(int vocab, double spread) {
        SplittableRandom random = new SplittableRandom(vocab);
        float[] logits = new float[ROWS * vocab];
        for (int i = 0; i < logits.length; i++) {
            logits[i] = (float) random.nextDouble(-spread, spread);
        }
        return logits;
    }

    /** Some ignored; the first and the last of each range among the others. */
    private static long[] targets(int vocab, int ranks) {
        long[] targets = new SplittableRandom(3).longs(ROWS, 0, vocab).toArray();
        for (int rank = 0; rank < ranks; rank++) {
            targets[2 * rank] = Cut.Range.of(vocab, rank, ranks).from();
            targets[2 * rank + 1] = Cut.Range.of(vocab, rank, ranks).to() - 1;
        }
        for (int row = 20; row < ROWS; row += 3) {
            targets[row] = Aten.IGNORED;
        }
        return targets;
    }

    private static float[] columns(float[] logits, int vocab, Cut.Range range) {
        int width = (int) range.size();
        float[] part = new float[ROWS * width];
        for (int row = 0; row < ROWS; row++) {
            System.arraycopy(logits, row * vocab + (int) range.from(), part, row * width, width);
        }
        return part;
    }

    private static Found compute(TensorDivision division, int vocab, float[] logits, long[] targets, ScalarType type) {
        try (NDManager manager = NDManager.newBaseManager(); Autograd.Mode off = Autograd.notRecording()) {
            Cut.Range range = division.range(vocab);
            RowLoss loss = new DividedRowLoss(manager, division, vocab);
            NDArray wide = manager.create(columns(logits, vocab, range), new Shape(ROWS, range.size()));
            NDArray mine = NativeArrays.convert(manager, wide, type);
            NDArray losses = manager.create(new Shape(ROWS));
            loss.forward(mine, manager.create(targets), losses);
            float[] forward = losses.toFloatArray();
            NDArray gradient = loss.forwardBackward(mine, manager.create(targets), losses, SCALE);
            assertEquals(type, NativeArrays.type(gradient));
            return new Found(forward, losses.toFloatArray(), NativeArrays.floats(gradient));
        }
    }

    private static List<Found> compute(int ranks, int vocab, float[] logits, long[] targets, ScalarType type)
            throws Exception {
        float[][] table = new float[ranks][];
        CyclicBarrier barrier = new CyclicBarrier(ranks);
        List<Callable<Found>> tasks = new ArrayList<>();
        for (int i = 0; i < ranks; i++) {
            int rank = i;
            tasks.add(() -> compute(new AtATable(rank, ranks, table, barrier), vocab, logits, targets, type));
        }
        List<Found> found = new ArrayList<>();
        try (ExecutorService threads = Executors.newFixedThreadPool(ranks)) {
            for (Future<Found> future : threads.invokeAll(tasks)) {
                found.add(future.get());
            }
        }
        return found;
    }

    /** Spread of 200: exponentials of most ranges are nothing beside those of another. */
    @ParameterizedTest
    @CsvSource({"2,61,3,FLOAT32", "3,61,3,FLOAT32", "4,61,200,FLOAT32", "4,5,3,FLOAT32", "3,64,3,BFLOAT16"})
    void lossAndGradientAreThoseOfTheWholeVocabulary(int ranks, int vocab, double spread, ScalarType type)
            throws Exception {
        float[] logits = logits(vocab, spread);
        if (type == ScalarType.BFLOAT16) {
            for (int i = 0; i < logits.length; i++) {
                logits[i] = Float.intBitsToFloat(Float.floatToRawIntBits(logits[i]) & 0xffff0000);
            }
        }
        long[] targets = targets(vocab, ranks);
        List<Found> found = compute(ranks, vocab, logits, targets, type);
        float[] losses = new float[ROWS];
        float[] gradient = new float[ROWS * vocab];
        reference(logits, targets, vocab, losses, gradient);
        double rounding = type == ScalarType.BFLOAT16 ? 0x1p-8 : 1e-6;
        for (int rank = 0; rank < ranks; rank++) {
            assertArrayEquals(found.get(0).losses, found.get(rank).losses, "the same bits on each rank");
            assertArrayEquals(found.get(rank).losses, found.get(rank).forward);
            assertArrayEquals(losses, found.get(rank).losses, (float) (spread * 3e-7));
            assertArrayEquals(columns(gradient, vocab, Cut.Range.of(vocab, rank, ranks)), found.get(rank).gradient,
                    (float) (SCALE * rounding));
        }
    }

    private static void reference(float[] logits, long[] targets, int vocab, float[] losses, float[] gradient) {
        for (int row = 0; row < ROWS; row++) {
            if (targets[row] == Aten.IGNORED) {
                continue;
            }
            double sum = 0;
            for (int i = 0; i < vocab; i++) {
                sum += Math.exp(logits[row * vocab + i]);
            }
            losses[row] = (float) (Math.log(sum) - logits[row * vocab + (int) targets[row]]);
            for (int i = 0; i < vocab; i++) {
                gradient[row * vocab + i] = (float) (SCALE * (Math.exp(logits[row * vocab + i]) / sum
                        - (i == targets[row] ? 1 : 0)));
            }
        }
    }
}
