package org.airelab.distributed.tensorparallel;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.Device;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.UnaryOperator;
import org.airelab.data.TokenBatch;
import org.airelab.distributed.group.ProcessGroup;
import org.airelab.distributed.group.shm.RankThreads;
import org.airelab.nn.Cut;
import org.airelab.nn.FlatParameters;
import org.airelab.nn.ModelConfig;
import org.airelab.torch.NativeArrays;
import org.airelab.train.GradientExchange;
import org.airelab.train.KernelChoice;
import org.airelab.train.ModelShare;
import org.airelab.train.OptimizerConfig;
import org.airelab.train.Precision;
import org.airelab.train.Schedule;
import org.airelab.train.Trainer.StepReport;
import org.airelab.train.TrainingSession;

/** The same small training by one rank, or by several that are threads: what it comes to can be compared. */
public final class TensorTraining {
    /** Optimizer steps. */
    public static final int STEPS = 50;
    private static final int BATCH = 4;
    private static final double RATE = 3e-3;

    private TensorTraining() {
    }

    /** What is trained, and how. */
    public record Task(ModelConfig model, OptimizerConfig optimizer, Precision precision, KernelChoice kernels,
            boolean checkpointing) {
        /** In float32, by AdamW. */
        public static Task of(ModelConfig model, KernelChoice kernels) {
            return new Task(model, OptimizerConfig.adamW(RATE), Precision.FP32, kernels, false);
        }

        /** With SGD in AdamW's place: where a gradient is 0 but for rounding, AdamW makes steps of the rounding. */
        public Task withSgd() {
            return new Task(model, new OptimizerConfig(OptimizerConfig.Kind.SGD, 0.1, 0.9, 0.95, 1e-8, 0.01, 0.9, 0.99,
                    1), precision, kernels, checkpointing);
        }

        /** With each layer's activations computed twice. */
        public Task withCheckpointing() {
            return new Task(model, optimizer, precision, kernels, true);
        }

        /** In another precision. */
        public Task in(Precision other) {
            return new Task(model, optimizer, other, kernels, checkpointing);
        }

        private TrainingSession session(ModelShare share) {
            return new TrainingSession(new TrainingSession.Setup(Device.cpu(), precision, kernels, checkpointing, 7),
                    model, optimizer, new Schedule(Schedule.Decay.CONSTANT, 0, STEPS, optimizer.learningRate(), 0),
                    share);
        }

        /** Each token after a start drawn at random follows from the one before it; a few targets do not count. */
        private TokenBatch batch(long step) {
            SplittableRandom random = new SplittableRandom(step);
            int time = model.contextLength();
            long[] inputs = new long[BATCH * time];
            long[] targets = new long[inputs.length];
            for (int i = 0; i < inputs.length; i++) {
                inputs[i] = i % time == 0 ? random.nextInt(model.vocabSize()) : targets[i - 1];
                targets[i] = (3 * inputs[i] + 7) % model.vocabSize();
            }
            return new TokenBatch(BATCH, time, inputs, targets);
        }
    }

    /** What one of several ranks takes part with; closed after the session. */
    public interface Member extends AutoCloseable {
        /** What of the model it has. */
        ModelShare share();

        /** How its gradients become the step's. */
        GradientExchange exchange(TrainingSession session);

        /** Its part of every batch: a multiple of rows from which on how many. */
        default TokenBatch part(TokenBatch batch) {
            return batch;
        }

        @Override
        void close();
    }

    /** Makes a rank's member of a training. */
    @FunctionalInterface
    public interface Joining {
        /** With the group of all ranks. */
        Member join(ProcessGroup group);
    }

    /**
     * What a training has come to.
     *
     * @param losses    of its steps
     * @param norms     of its gradients
     * @param evaluated the loss of a batch that is not trained on, in nats a token
     * @param weights   whole parameters by their names
     */
    public record Outcome(double[] losses, double[] norms, double evaluated, Map<String, float[]> weights) {
        /** Requires another to be the same but for rounding. */
        public void requireSame(Outcome other, double lossRounding, double weightRounding) {
            assertTrue(losses[STEPS - 1] < losses[0] - 0.5, "it learns: " + Arrays.toString(losses));
            assertArrayEquals(losses, other.losses, lossRounding, "losses");
            for (int i = 0; i < STEPS; i++) {
                assertEquals(norms[i], other.norms[i], 10 * lossRounding * norms[i], "norm of step " + (i + 1));
            }
            assertEquals(evaluated, other.evaluated, lossRounding);
            assertEquals(weights.keySet(), other.weights.keySet());
            weights.forEach((name, values) -> assertArrayEquals(values, other.weights.get(name),
                    (float) weightRounding, name));
        }
    }

    /** Trains on one rank. */
    public static Outcome one(Task task) {
        try (TrainingSession session = task.session(ModelShare.WHOLE)) {
            Outcome outcome = train(task, session, batch -> batch);
            addWeights(session.parameters(), outcome.weights, new ConcurrentHashMap<>());
            return outcome;
        }
    }

    /** Trains on several ranks: all of them report the same, bit by bit. */
    public static Outcome several(Task task, int ranks, Joining joining) throws Exception {
        Outcome[] outcomes = new Outcome[ranks];
        Map<String, float[]> weights = new ConcurrentHashMap<>();
        Map<String, float[]> filled = new ConcurrentHashMap<>();
        RankThreads.run(ranks, RankThreads.LIMITS, group -> {
            try (Member member = joining.join(group); TrainingSession session = task.session(member.share())) {
                session.trainer().shareSteps(member.exchange(session));
                outcomes[group.rank()] = train(task, session, member::part);
                addWeights(session.parameters(), weights, filled);
            }
        });
        for (Outcome outcome : outcomes) {
            assertArrayEquals(outcomes[0].losses, outcome.losses, "losses of all ranks");
            assertArrayEquals(outcomes[0].norms, outcome.norms, "norms of all ranks");
            assertEquals(outcomes[0].evaluated, outcome.evaluated);
        }
        filled.forEach((name, marks) -> {
            for (float mark : marks) {
                assertEquals(1, mark, "each element of " + name + " is on some rank");
            }
        });
        return new Outcome(outcomes[0].losses, outcomes[0].norms, outcomes[0].evaluated, weights);
    }

    private static Outcome train(Task task, TrainingSession session, UnaryOperator<TokenBatch> part) {
        double[] losses = new double[STEPS];
        double[] norms = new double[STEPS];
        for (int i = 0; i < STEPS; i++) {
            StepReport report = session.trainer().step(List.of(part.apply(task.batch(i))));
            losses[i] = report.loss();
            norms[i] = report.gradientNorm();
        }
        TokenBatch other = task.batch(-1);
        return new Outcome(losses, norms, session.engine().evaluate(other) / other.targets().length,
                new ConcurrentHashMap<>());
    }

    /** Puts a rank's parameters in their places; what another rank has, too, must be the same there, bit by bit. */
    private static synchronized void addWeights(FlatParameters parameters, Map<String, float[]> weights,
            Map<String, float[]> filled) {
        float[] values = NativeArrays.floats(parameters.weights());
        for (FlatParameters.Slot slot : parameters.slots()) {
            int size = (int) Arrays.stream(slot.spec().wholeShape()).reduce(1, (a, b) -> a * b);
            float[] whole = weights.computeIfAbsent(slot.spec().path(), _ -> new float[size]);
            float[] marks = filled.computeIfAbsent(slot.spec().path(), _ -> new float[size]);
            for (Cut.Run run : slot.spec().runs()) {
                for (int i = 0; i < run.length(); i++) {
                    int to = (int) run.whole() + i;
                    float value = values[(int) (slot.offset() + run.local()) + i];
                    assertTrue(marks[to] == 0 || whole[to] == value, slot.spec().path() + " differs between ranks");
                    whole[to] = value;
                    marks[to] = 1;
                }
            }
        }
    }
}
