package org.airelab.distributed.dataparallel;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import org.airelab.base.UserError;
import org.airelab.distributed.dataparallel.Replicas.Gradients;
import org.airelab.distributed.dataparallel.Replicas.Settings;
import org.airelab.distributed.group.SlowWork;
import org.airelab.distributed.group.shm.RankThreads;
import org.airelab.nn.ModelConfig;
import org.airelab.torch.NativeArrays;
import org.airelab.train.DivergenceGuard;
import org.airelab.train.KernelChoice;
import org.airelab.train.OptimizerConfig;
import org.airelab.train.Precision;
import org.airelab.train.Schedule;
import org.airelab.train.TrainingSession;
import org.junit.jupiter.api.Test;

/** Ranks that are threads. */
class ReplicasTest {
    private interface Rank {
        void run(Replicas replicas) throws Exception;
    }

    private static void run(int size, Rank rank) throws Exception {
        RankThreads.run(size, RankThreads.LIMITS, group -> rank.run(Replicas.of(group, Device.cpu(),
                new Settings(Gradients.BUCKETED, 1000, 0, 5))));
    }

    private static void fails(String sentence, int exitCode, Runnable deed) {
        UserError error = assertThrows(UserError.class, deed::run);
        assertEquals(sentence, error.getMessage());
        assertEquals(exitCode, error.exitCode());
    }

    @Test
    void whoHasOtherThingsIsNamed() throws Exception {
        run(3, replicas -> {
            replicas.requireSame("another thing", "a".repeat(64));
            fails("rank 2 has another thing than rank 0.", UserError.BAD_INPUT,
                    () -> replicas.requireSame("another thing", replicas.rank() == 2 ? "b" : "a"));
            fails("rank 1, rank 2 have another thing than rank 0.", UserError.BAD_INPUT,
                    () -> replicas.requireSame("another thing", replicas.rank() == 0 ? "b" : "a"));
        });
    }

    @Test
    void oneBitOfAWeightIsFound() throws Exception {
        run(2, replicas -> {
            try (NDManager manager = NDManager.newBaseManager(Device.cpu())) {
                NDArray weights = manager.ones(new Shape(1000));
                replicas.check(5, weights);
                if (replicas.rank() == 1) {
                    weights.set(new ai.djl.ndarray.index.NDIndex(999), 1 + 0x1p-23f);
                }
                replicas.check(6, weights);
                UserError error = assertThrows(UserError.class, () -> replicas.check(10, weights));
                assertTrue(error.getMessage().startsWith("after step 10 rank 1 has other weights than rank 0"),
                        error.getMessage());
            }
        });
    }

    @Test
    void whoStopsSaysWhy() throws Exception {
        run(2, replicas -> {
            if (replicas.rank() == 1) {
                replicas.stopped(new IllegalStateException("the cat has eaten it.\nAll of it."));
            } else {
                UserError error = assertThrows(UserError.class, replicas::barrier);
                assertEquals("rank 1 stopped: the cat has eaten it", error.getMessage());
            }
        });
    }

    @Test
    void sums() throws Exception {
        run(3, replicas -> assertEquals(0.1 + 0.2 + 0.3, replicas.sum(0.1 * (1 + replicas.rank())), 1e-15));
    }

    private static TrainingSession session(long seed) {
        ModelConfig model = new ModelConfig(61, 24, 32, 3, 4, 2, 44, ModelConfig.Norm.RMS,
                ModelConfig.NormPlacement.PRE, 1e-5, ModelConfig.Positions.ROPE_HALF, 10_000,
                ModelConfig.FeedForwardKind.SWIGLU, false, true, 0);
        return new TrainingSession(new TrainingSession.Setup(Device.cpu(), Precision.FP32, KernelChoice.TORCH, false,
                seed), model, OptimizerConfig.adamW(1e-3), new Schedule(Schedule.Decay.CONSTANT, 0, 9, 1e-3, 0));
    }

    /** Of every step it is another rank that waits longest, and all know how long. */
    @Test
    void theLongestWaitOfEachStepCounts() throws Exception {
        double[] waited = new double[3];
        RankThreads.run(3, RankThreads.LIMITS, group -> {
            try (TrainingSession session = session(0)) {
                GradientSums sums = new NaiveSums(group, session.parameters());
                for (int step = 0; step < 3; step++) {
                    sums.await(new SlowWork(step == group.rank() ? 50 : 0));
                    assertEquals(2, sums.mean(1 + group.rank()));
                }
                waited[group.rank()] = sums.waitedSeconds();
            }
        });
        assertTrue(waited[0] > 0.14, waited[0] + " s");
        assertArrayEquals(new double[] {waited[0], waited[0], waited[0]}, waited);
    }

    /** All of what a checkpoint has restored on rank 0 comes to the others. */
    @Test
    void theStateOfRank0IsThatOfAll() throws Exception {
        run(2, replicas -> {
            try (TrainingSession session = session(replicas.rank());
                    TrainingSession first = session(0)) {
                DivergenceGuard guard = new DivergenceGuard(8);
                if (replicas.rank() == 0) {
                    session.trainer().restore(7, 6);
                    session.scaler().restore(0.5, 3);
                    session.optimizer().state().values().forEach(buffer -> buffer.addi(2));
                    guard.restore(new DivergenceGuard.Memory(new double[] {3, 2.5}, 4));
                }
                replicas.shareClocks(session, guard);
                replicas.begin(session);
                session.optimizer().state().values().forEach(replicas::send);
                assertEquals("rank 0's Ω", replicas.fromFirst("rank " + replicas.rank() + "'s Ω"));
                assertEquals("", replicas.fromFirst(replicas.rank() == 0 ? "" : "x"));
                assertEquals(7, session.trainer().step());
                assertEquals(6, session.trainer().updates());
                assertEquals(0.5, session.scaler().scale());
                assertEquals(3, session.scaler().goodSteps());
                assertEquals(4, guard.memory().outliers());
                assertArrayEquals(new double[] {3, 2.5}, guard.memory().losses());
                assertArrayEquals(NativeArrays.floats(first.parameters().weights()),
                        NativeArrays.floats(session.parameters().weights()));
                for (NDArray buffer : session.optimizer().state().values()) {
                    assertEquals(2, buffer.min().getFloat());
                }
            }
        });
    }

    @Test
    void zeroIsRefusedWhereItCannotBe() {
        fails("--zero must be 0, 1, 2 or 3, found 4.", UserError.BAD_INPUT,
                () -> new Settings(Gradients.BUCKETED, 1000, 4, 5));
        fails("--zero 2 sums gradients during the backward pass, and --gradients naive asks for another way.",
                UserError.BAD_INPUT, () -> new Settings(Gradients.NAIVE, 1000, 2, 5));
    }

    @Test
    void alone() {
        Replicas alone = Replicas.alone(Device.cpu());
        alone.requireSame("another thing", "a");
        alone.barrier();
        alone.check(5, null);
        alone.stopped(new IllegalStateException());
        assertEquals(1, alone.size());
        assertEquals(0.1, alone.sum(0.1));
        assertEquals(0, alone.waitedSeconds());
    }
}
