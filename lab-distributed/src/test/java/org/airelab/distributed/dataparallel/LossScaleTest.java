package org.airelab.distributed.dataparallel;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.Device;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.airelab.data.TokenBatch;
import org.airelab.distributed.ParallelTraining;
import org.airelab.distributed.dataparallel.Replicas.Gradients;
import org.airelab.distributed.dataparallel.Replicas.Settings;
import org.airelab.distributed.group.shm.RankThreads;
import org.airelab.nn.ModelConfig;
import org.airelab.torch.Aten;
import org.airelab.torch.NativeArrays;
import org.airelab.train.KernelChoice;
import org.airelab.train.ModelShare;
import org.airelab.train.Precision;
import org.airelab.train.Trainer.StepReport;
import org.airelab.train.TrainingSession;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** float16 by several ranks: they have one scale of the loss, and skip a step together. */
class LossScaleTest {
    private static final int PASSES = 6;
    private static final ModelConfig LLAMA = new ModelConfig(61, 256, 32, 2, 4, 2, 44, ModelConfig.Norm.RMS,
            ModelConfig.NormPlacement.PRE, 1e-5, ModelConfig.Positions.ROPE_HALF, 10_000,
            ModelConfig.FeedForwardKind.SWIGLU, false, true, 0);
    private static final ParallelTraining TRAINING = new ParallelTraining(LLAMA, Precision.FP16, KernelChoice.TORCH,
            true, 6, PASSES, 1);
    /** Of the loss at first: float16 holds a pass's gradient where the mean is over many tokens, not over one. */
    private static final double SCALE = 0x1p20;
    /** Passes of some steps that overflow, those of different ranks. */
    private static final List<Overflow> OVERFLOWS = List.of(new Overflow(1, 5), new Overflow(3, 0));

    private static Known alone;

    /** A pass of a step that is one rank's. */
    private record Overflow(int step, int pass) {
    }

    /** What a rank knows of all steps. */
    private record Known(List<Boolean> skipped, List<Double> scales, double[] losses, long updates) {
    }

    @BeforeAll
    static void oneRank() {
        Known none = train(Replicas.alone(Device.cpu()), List.of());
        assertEquals(TRAINING.steps(), none.updates, "no other pass overflows");
        alone = train(Replicas.alone(Device.cpu()), OVERFLOWS);
        assertEquals(List.of(false, true, false, true, false, false), alone.skipped);
        assertEquals(List.of(SCALE, SCALE / 2, SCALE / 2, SCALE / 4, SCALE / 4, SCALE / 4), alone.scales);
        assertTrue(alone.losses[5] < alone.losses[0], Arrays.toString(alone.losses));
    }

    private static Known train(Replicas replicas, List<Overflow> overflows) {
        try (TrainingSession session = TRAINING.session(new ModelShare(replicas.shards()))) {
            replicas.begin(session);
            session.scaler().restore(SCALE, 0);
            List<Boolean> skipped = new ArrayList<>();
            List<Double> scales = new ArrayList<>();
            double[] losses = new double[TRAINING.steps()];
            for (int step = 0; step < losses.length; step++) {
                float[] before = NativeArrays.floats(session.parameters().weights());
                StepReport report = session.trainer().step(batches(step, replicas, overflows));
                assertEquals(report.skipped(), Arrays.equals(before,
                        NativeArrays.floats(session.parameters().weights())), "weights stay in a step skipped");
                skipped.add(report.skipped());
                scales.add(session.scaler().scale());
                losses[step] = report.loss();
            }
            return new Known(skipped, scales, losses, session.trainer().updates());
        }
    }

    private static List<TokenBatch> batches(int step, Replicas replicas, List<Overflow> overflows) {
        List<TokenBatch> batches = TRAINING.batches(step, replicas.rank(), replicas.size());
        overflows.stream().filter(one -> one.step == step && one.pass % replicas.size() == replicas.rank())
                .forEach(one -> batches.set(one.pass / replicas.size(), ofOneToken(
                        batches.get(one.pass / replicas.size()))));
        return batches;
    }

    /** Its loss is that of one token alone, whose gradient is as large as that of all others together. */
    private static TokenBatch ofOneToken(TokenBatch batch) {
        long[] targets = batch.targets().clone();
        Arrays.fill(targets, 1, targets.length, Aten.IGNORED);
        return new TokenBatch(batch.batchSize(), batch.contextLength(), batch.inputs(), targets);
    }

    @ParameterizedTest(name = "{0} ranks, ZeRO-{1}")
    @CsvSource({"2, 0", "2, 1", "3, 2", "2, 3", "3, 3"})
    void whatOverflowsOnOneRankAllSkip(int ranks, int zero) throws Exception {
        Known[] known = new Known[ranks];
        RankThreads.run(ranks, RankThreads.LIMITS, group -> known[group.rank()] = train(
                Replicas.of(group, Device.cpu(), new Settings(Gradients.BUCKETED, 20_000, zero, 10)), OVERFLOWS));
        for (Known one : known) {
            assertEquals(alone.skipped, one.skipped);
            assertEquals(alone.scales, one.scales);
            assertEquals(alone.updates, one.updates);
            assertArrayEquals(alone.losses, one.losses, 2e-3);
        }
    }
}
