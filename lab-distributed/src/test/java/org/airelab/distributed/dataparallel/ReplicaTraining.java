package org.airelab.distributed.dataparallel;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.Device;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentSkipListMap;
import org.airelab.data.TokenBatch;
import org.airelab.distributed.group.shm.RankThreads;
import org.airelab.nn.ContextExchange;
import org.airelab.nn.FlatParameters;
import org.airelab.nn.ModelConfig;
import org.airelab.nn.Shards.Piece;
import org.airelab.nn.TensorDivision;
import org.airelab.torch.NativeArrays;
import org.airelab.train.KernelChoice;
import org.airelab.train.ModelShare;
import org.airelab.train.OptimizerConfig;
import org.airelab.train.Precision;
import org.airelab.train.Schedule;
import org.airelab.train.TrainingSession;

/**
 * Some steps of a small model, by one rank or by several that are threads, on the same tokens: what is to come out the
 * same.
 *
 * @param shared whether gradients lie in memory that the ranks have together
 */
record ReplicaTraining(ModelConfig model, Precision precision, KernelChoice kernels, boolean checkpointing, int steps,
        boolean shared) {
    private static final int SAMPLES = 6;

    /** Gradients lie where a run has them. */
    ReplicaTraining(ModelConfig model, Precision precision, KernelChoice kernels, boolean checkpointing, int steps) {
        this(model, precision, kernels, checkpointing, steps, true);
    }

    /** Training losses by step, and the weights after the last by the parameters' names. */
    record Result(double[] losses, Map<String, float[]> weights) {
        /** Requires another training to have been the same: losses within 1e-5, weights within 1e-4. */
        public void requireSame(Result found) {
            assertArrayEquals(losses, found.losses, 1e-5);
            assertTrue(losses[losses.length - 1] < losses[0] - 0.5, "it learns: " + Arrays.toString(losses));
            assertEquals(weights.keySet(), found.weights.keySet());
            weights.forEach((name, values) -> assertArrayEquals(values, found.weights.get(name), 1e-4f, name));
        }
    }

    /** What else a rank does when the last step is made. */
    public interface Rank {
        void atEnd(Replicas replicas, TrainingSession session) throws Exception;
    }

    /** A Llama of three layers. */
    public static ModelConfig llama(boolean tied) {
        return new ModelConfig(61, 24, 32, 3, 4, 2, 44, ModelConfig.Norm.RMS, ModelConfig.NormPlacement.PRE, 1e-5,
                ModelConfig.Positions.ROPE_HALF, 10_000, ModelConfig.FeedForwardKind.SWIGLU, false, tied, 0);
    }

    /** By one rank. */
    public Result alone() throws Exception {
        Map<String, float[]> weights = new TreeMap<>();
        return new Result(train(Replicas.alone(Device.cpu()), (replicas, session) -> { }, weights), weights);
    }

    /** By several. */
    public Result together(int ranks, Replicas.Settings settings, Rank rank) throws Exception {
        double[][] losses = new double[ranks][];
        Map<String, float[]> weights = new ConcurrentSkipListMap<>();
        RankThreads.run(ranks, RankThreads.LIMITS, group -> losses[group.rank()] = train(
                Replicas.of(group, Device.cpu(), settings), rank, weights));
        for (double[] mine : losses) {
            assertArrayEquals(losses[0], mine, "each rank knows the loss of all");
        }
        return new Result(losses[0], weights);
    }

    private double[] train(Replicas replicas, Rank rank, Map<String, float[]> weights) throws Exception {
        var setup = new TrainingSession.Setup(Device.cpu(), precision, kernels, checkpointing, 7);
        try (TrainingSession session = new TrainingSession(setup, model, OptimizerConfig.adamW(3e-3),
                new Schedule(Schedule.Decay.CONSTANT, 5, steps, 3e-3, 0), share(replicas))) {
            replicas.begin(session);
            double[] losses = new double[steps];
            for (int step = 0; step < steps; step++) {
                losses[step] = session.trainer().step(batches(step, replicas)).loss();
                replicas.check(step + 1, session.parameters().weights());
            }
            rank.atEnd(replicas, session);
            give(session.parameters(), weights);
            return losses;
        }
    }

    private ModelShare share(Replicas replicas) {
        return shared ? new ModelShare(replicas.shards(), List.of(), ContextExchange.NONE, TensorDivision.NONE,
                replicas.memory()) : new ModelShare(replicas.shards());
    }

    /** Puts the weights that this rank keeps where those of the others are. */
    private static void give(FlatParameters parameters, Map<String, float[]> weights) {
        float[] kept = NativeArrays.floats(parameters.weights());
        for (FlatParameters.Slot slot : parameters.slots()) {
            int size = (int) slot.spec().elements();
            float[] whole = weights.computeIfAbsent(slot.spec().path(), path -> new float[size]);
            long at = 0;
            for (Piece piece : parameters.keptWeights()) {
                long from = Math.max(slot.offset(), piece.from());
                long to = Math.min(slot.offset() + size, piece.to());
                if (from < to) {
                    System.arraycopy(kept, (int) (at + from - piece.from()), whole, (int) (from - slot.offset()),
                            (int) (to - from));
                }
                at += piece.size();
            }
        }
    }

    /** This rank's micro-batches of a step, a sample each. */
    public List<TokenBatch> batches(int step, Replicas replicas) {
        BatchShare share = BatchShare.of(1, SAMPLES, replicas.rank(), replicas.size());
        List<TokenBatch> batches = new ArrayList<>();
        for (int pass = 0; pass < share.passes(); pass++) {
            batches.add(sample(step * (long) SAMPLES + share.first() + pass * share.stride()));
        }
        return batches;
    }

    /** Tokens of which each mostly decides on the next. */
    private TokenBatch sample(long number) {
        SplittableRandom random = new SplittableRandom(number);
        long[] tokens = new long[model.contextLength() + 1];
        tokens[0] = random.nextInt(model.vocabSize());
        for (int i = 1; i < tokens.length; i++) {
            tokens[i] = random.nextInt(10) == 0 ? random.nextInt(model.vocabSize())
                    : (5 * tokens[i - 1] + 1) % model.vocabSize();
        }
        return new TokenBatch(1, model.contextLength(), Arrays.copyOf(tokens, tokens.length - 1),
                Arrays.copyOfRange(tokens, 1, tokens.length));
    }
}
