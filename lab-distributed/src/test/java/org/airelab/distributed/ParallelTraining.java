package org.airelab.distributed;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.airelab.data.TokenBatch;
import org.airelab.distributed.group.shm.RankThreads;
import org.airelab.distributed.mesh.Mesh;
import org.airelab.distributed.mesh.MeshShape;
import org.airelab.nn.FlatParameters;
import org.airelab.nn.ModelConfig;
import org.airelab.torch.NativeArrays;
import org.airelab.train.KernelChoice;
import org.airelab.train.ModelShare;
import org.airelab.train.OptimizerConfig;
import org.airelab.train.Precision;
import org.airelab.train.Schedule;
import org.airelab.train.Trainer.StepReport;
import org.airelab.train.TrainingSession;

/**
 * Some steps of a small model, by one rank or by several that are threads, so that they can be compared.
 *
 * @param passes of a step, of all replicas together
 * @param rows   of a pass
 */
public record ParallelTraining(ModelConfig model, Precision precision, KernelChoice kernels, boolean checkpointing,
        int steps, int passes, int rows) {
    /**
     * What came of it.
     *
     * @param losses of the steps
     * @param norms  of their gradients
     * @param weights at the end, by name
     */
    public record Outcome(double[] losses, double[] norms, Map<String, double[]> weights) {
        /** The same training, but for rounding: norms and weights may be ten times as far apart as losses. */
        public void requireSame(Outcome other, double tolerance) {
            assertArrayEquals(losses, other.losses, tolerance);
            assertArrayEquals(norms, other.norms, 10 * tolerance);
            assertEquals(weights.keySet(), other.weights.keySet());
            weights.forEach((name, values) -> assertArrayEquals(values, other.weights.get(name), 10 * tolerance, name));
        }
    }

    /** How a rank of a mesh begins. */
    @FunctionalInterface
    public interface Start {
        /** A session that shares its steps, and its model, with the other ranks; it is closed at the end. */
        TrainingSession session(Mesh mesh);
    }

    /** A small Llama. */
    public static ModelConfig llama(int layers, boolean tied) {
        return new ModelConfig(61, 16, 24, layers, 4, 2, 40, ModelConfig.Norm.RMS, ModelConfig.NormPlacement.PRE, 1e-5,
                ModelConfig.Positions.ROPE_HALF, 10_000, ModelConfig.FeedForwardKind.SWIGLU, false, tied, 0);
    }

    /** A session that has a share of the model. */
    public TrainingSession session(ModelShare share) {
        return new TrainingSession(new TrainingSession.Setup(Device.cpu(), precision, kernels, checkpointing, 7), model,
                OptimizerConfig.adamW(3e-3), new Schedule(Schedule.Decay.CONSTANT, 0, 99, 3e-3, 0), share);
    }

    /** What one of several replicas takes of a step: sequences whose next token mostly follows from the last. */
    public List<TokenBatch> batches(long step, int replica, int replicas) {
        List<TokenBatch> batches = new ArrayList<>();
        int time = model.contextLength();
        for (int pass = replica; pass < passes; pass += replicas) {
            SplittableRandom random = new SplittableRandom(step * passes + pass);
            long[] inputs = new long[rows * time];
            long[] targets = new long[rows * time];
            for (int i = 0; i < inputs.length; i++) {
                inputs[i] = i % time == 0 ? random.nextInt(model.vocabSize()) : targets[i - 1];
                targets[i] = (5 * inputs[i] + random.nextInt(3)) % model.vocabSize();
            }
            batches.add(new TokenBatch(rows, time, inputs, targets));
        }
        return batches;
    }

    /** By one rank. */
    public Outcome alone() {
        try (TrainingSession session = session(ModelShare.WHOLE)) {
            return train(session, 0, 1);
        }
    }

    /** By all ranks of a mesh; weights that several ranks have must be the same to the bit, and so must all losses. */
    public Outcome run(MeshShape shape, Start start) throws Exception {
        Outcome[] outcomes = new Outcome[shape.ranks()];
        RankThreads.run(shape.ranks(), RankThreads.LIMITS, world -> {
            try (Mesh mesh = new Mesh(world, shape); TrainingSession session = start.session(mesh)) {
                outcomes[world.rank()] = train(session, mesh.place().dp(), shape.dp());
            }
        });
        Map<String, double[]> weights = new TreeMap<>();
        for (Outcome outcome : outcomes) {
            assertArrayEquals(outcomes[0].losses, outcome.losses);
            assertArrayEquals(outcomes[0].norms, outcome.norms);
            outcome.weights.forEach((name, mine) -> weights.merge(name, mine, (first, again) -> {
                assertArrayEquals(first, again, name);
                return first;
            }));
        }
        return new Outcome(outcomes[0].losses, outcomes[0].norms, weights);
    }

    private Outcome train(TrainingSession session, int replica, int replicas) {
        double[] losses = new double[steps];
        double[] norms = new double[steps];
        for (int i = 0; i < steps; i++) {
            StepReport report = session.trainer().step(batches(i, replica, replicas));
            losses[i] = report.loss();
            norms[i] = report.gradientNorm();
        }
        return new Outcome(losses, norms, weights(session.parameters()));
    }

    /** Weights by name. */
    public static Map<String, double[]> weights(FlatParameters parameters) {
        Map<String, double[]> weights = new TreeMap<>();
        try (NDManager scope = parameters.weights().getManager().newSubManager()) {
            for (FlatParameters.Slot slot : parameters.slots()) {
                NDArray view = NativeArrays.view(parameters.weights(), slot.offset(), slot.spec().elements())
                        .attach(scope);
                weights.put(slot.spec().path(), view.toType(ai.djl.ndarray.types.DataType.FLOAT64, true)
                        .toDoubleArray());
            }
        }
        return weights;
    }
}
