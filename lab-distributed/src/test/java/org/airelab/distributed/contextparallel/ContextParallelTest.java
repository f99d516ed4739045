package org.airelab.distributed.contextparallel;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.Device;
import java.util.Arrays;
import java.util.List;
import org.airelab.base.UserError;
import org.airelab.data.TokenBatch;
import org.airelab.distributed.ParallelTraining.Outcome;
import org.airelab.distributed.ParallelTraining;
import org.airelab.distributed.dataparallel.Replicas.Gradients;
import org.airelab.distributed.dataparallel.Replicas;
import org.airelab.distributed.group.shm.RankThreads;
import org.airelab.distributed.mesh.Mesh;
import org.airelab.distributed.mesh.MeshShape;
import org.airelab.nn.ModelConfig.FeedForwardKind;
import org.airelab.nn.ModelConfig.Norm;
import org.airelab.nn.ModelConfig.NormPlacement;
import org.airelab.nn.ModelConfig.Positions;
import org.airelab.nn.ModelConfig;
import org.airelab.nn.Shards;
import org.airelab.nn.TensorDivision;
import org.airelab.torch.Aten;
import org.airelab.torch.CustomFunction;
import org.airelab.torch.Tensor;
import org.airelab.train.KernelChoice;
import org.airelab.train.ModelShare;
import org.airelab.train.Precision;
import org.airelab.train.Trainer.StepReport;
import org.airelab.train.TrainingSession;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Training whose ranks share sequences is the training of one rank. */
class ContextParallelTest {
    private static final int STEPS = 50;

    private static ModelConfig llama(Positions positions) {
        return new ModelConfig(61, 24, 32, 2, 4, 2, 44, Norm.RMS, NormPlacement.PRE, 1e-5, positions, 10_000,
                FeedForwardKind.SWIGLU, false, true, 0);
    }

    private static ParallelTraining training(ModelConfig model, boolean checkpointing) {
        return new ParallelTraining(model, Precision.FP32, KernelChoice.OURS, checkpointing, STEPS, 2, 2);
    }

    private static ModelShare share(Mesh mesh) {
        return new ModelShare(Shards.WHOLE, List.of(), ContextParallel.over(mesh.context()),
                TensorDivision.NONE);
    }

    /** A rank that sums gradients with all that have other tokens. */
    private static TrainingSession start(ParallelTraining training, Mesh mesh, int zero) {
        Replicas replicas = Replicas.of(mesh.replicas(), Device.cpu(),
                new Replicas.Settings(Gradients.BUCKETED, 20_000, zero, 10));
        TrainingSession session = training.session(new ModelShare(replicas.shards(), List.of(),
                ContextParallel.over(mesh.context()),
                TensorDivision.NONE));
        replicas.begin(session);
        return session;
    }

    private static void requireSame(ParallelTraining training, MeshShape shape, int zero) throws Exception {
        Outcome one = training.alone();
        assertTrue(one.losses()[STEPS - 1] < one.losses()[0] - 0.5, () -> Arrays.toString(one.losses()));
        one.requireSame(training.run(shape, mesh -> start(training, mesh, zero)), 1e-5);
    }

    @ParameterizedTest
    @EnumSource
    void twoRanks(Positions positions) throws Exception {
        requireSame(training(llama(positions), false), new MeshShape(1, 2, 1, 1), 0);
    }

    @Test
    void fourRanksThatComputeLayersTwice() throws Exception {
        requireSame(training(llama(Positions.ROPE_INTERLEAVED), true), new MeshShape(1, 4, 1, 1), 0);
    }

    /** Of a model that is as unlike as can be; without biases, as AdamW makes steps of the rounding of a key's. */
    @Test
    void twoReplicasOfTwoRanks() throws Exception {
        ModelConfig model = new ModelConfig(61, 12, 30, 2, 6, 6, 44, Norm.LAYER, NormPlacement.POST, 1e-5,
                Positions.LEARNED, 10_000, FeedForwardKind.GELU, false, false, 0);
        requireSame(training(model, false), new MeshShape(2, 2, 1, 1), 0);
    }

    @Test
    void ranksMayDivideTheOptimizersState() throws Exception {
        requireSame(training(llama(Positions.ROPE_HALF), false), new MeshShape(1, 2, 1, 1), 1);
    }

    /** The first rank has a target, the second the other eleven: no mean of the ranks' means is theirs. */
    private static TokenBatch uneven(ParallelTraining training) {
        TokenBatch batch = training.batches(0, 0, 1).getFirst();
        long[] targets = batch.targets();
        Arrays.fill(targets, Aten.IGNORED);
        targets[0] = 3;
        for (int i = 0; i < 11; i++) {
            targets[6 + i] = i;
        }
        return batch;
    }

    @Test
    void targetsMayCountOnOneRankMoreThanOnAnother() throws Exception {
        ParallelTraining training = training(llama(Positions.ROPE_HALF), false);
        TokenBatch batch = uneven(training);
        StepReport expected;
        float[] weights;
        double loss;
        try (TrainingSession one = training.session(ModelShare.WHOLE)) {
            loss = one.engine().evaluate(batch);
            expected = one.trainer().step(List.of(batch));
            weights = one.parameters().weights().toFloatArray();
        }
        assertEquals(expected.loss(), loss / 12, 1e-6);
        RankThreads.run(2, RankThreads.LIMITS, world -> {
            Mesh mesh = new Mesh(world, new MeshShape(1, 2, 1, 1));
            try (TrainingSession session = start(training, mesh, 0)) {
                double mine = session.engine().evaluate(batch);
                assertTrue(mine > 0 && mine < loss, () -> mine + " of " + loss);
                assertEquals(loss, Replicas.of(world, Device.cpu(), null).sum(mine), 1e-4);
                StepReport found = session.trainer().step(List.of(batch));
                assertEquals(expected.loss(), found.loss(), 1e-6);
                assertEquals(expected.gradientNorm(), found.gradientNorm(), 1e-5);
                assertArrayEquals(weights, session.parameters().weights().toFloatArray(), 1e-4f);
            }
        });
    }

    private static String refused(ParallelTraining training, Mesh mesh) {
        UserError error = assertThrows(UserError.class, () -> training.session(share(mesh)).close());
        assertEquals(UserError.BAD_INPUT, error.exitCode());
        return error.getMessage();
    }

    @Test
    void whatHasNoKernelIsRefused() throws Exception {
        int functions = CustomFunction.live();
        long tensors = Tensor.live();
        ModelConfig llama = llama(Positions.ROPE_HALF);
        ModelConfig dropout = new ModelConfig(61, 24, 32, 2, 4, 2, 44, Norm.RMS, NormPlacement.PRE, 1e-5,
                Positions.LEARNED, 10_000, FeedForwardKind.SWIGLU, false, true, 0.1);
        RankThreads.run(2, RankThreads.LIMITS, world -> {
            Mesh mesh = new Mesh(world, new MeshShape(1, 2, 1, 1));
            assertEquals("context parallelism needs the lab's kernels, and this run would compute on cpu in fp32 with"
                    + " libtorch's.", refused(new ParallelTraining(llama, Precision.FP32, KernelChoice.TORCH, false, 1,
                            1, 1), mesh));
            assertEquals("context parallelism needs the lab's kernels, and this run would compute on cpu in fp64 with"
                    + " libtorch's.", refused(new ParallelTraining(llama, Precision.FP64, KernelChoice.AUTO, false, 1,
                            1, 1), mesh));
            assertEquals("context parallelism needs the lab's kernels, and there is none for attention with dropout.",
                    refused(new ParallelTraining(dropout, Precision.FP32, KernelChoice.AUTO, false, 1, 1, 1), mesh));
            assertEquals("context parallelism of 2 ranks cuts the context into 4 chunks, and context_length 26 is not"
                    + " a multiple of that.", refused(training(new ModelConfig(61, 26, 32, 2, 4, 2, 44, Norm.RMS,
                            NormPlacement.PRE, 1e-5, Positions.ROPE_HALF, 10_000, FeedForwardKind.SWIGLU, false, true,
                            0), false), mesh));
        });
        assertEquals(functions, CustomFunction.live());
        assertEquals(tensors, Tensor.live());
    }
}
