package org.airelab.distributed.pipeline;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.Device;
import ai.djl.ndarray.index.NDIndex;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.airelab.base.UserError;
import org.airelab.data.TokenBatch;
import org.airelab.distributed.ParallelTraining.Outcome;
import org.airelab.distributed.ParallelTraining;
import org.airelab.distributed.dataparallel.Replicas;
import org.airelab.distributed.group.shm.RankThreads;
import org.airelab.distributed.mesh.MeshShape;
import org.airelab.nn.ContextExchange;
import org.airelab.nn.FlatParameters;
import org.airelab.nn.ModelConfig;
import org.airelab.nn.Shards;
import org.airelab.nn.TensorDivision;
import org.airelab.train.KernelChoice;
import org.airelab.train.ModelShare;
import org.airelab.train.Precision;
import org.airelab.train.Trainer.StepReport;
import org.airelab.train.TrainingSession;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Ranks of a pipeline, which are threads, train as one rank does. */
class PipelineTest {
    private static final Map<ParallelTraining, Outcome> ALONE = new ConcurrentHashMap<>();

    private static MeshShape pipelines(int dp, int pp) {
        return new MeshShape(dp, 1, 1, pp);
    }

    private static PipelinePlan plan(PipelineSchedule schedule, int ranks, ModelConfig model) {
        return new PipelinePlan(schedule, ranks, schedule == PipelineSchedule.INTERLEAVED ? 2 : 1, model.layers());
    }

    private static void requireSame(ParallelTraining training, MeshShape shape, PipelineSchedule schedule, int zero,
            double tolerance) throws Exception {
        PipelinePlan plan = plan(schedule, shape.pp(), training.model());
        Outcome several = training.run(shape, mesh -> {
            Replicas replicas = mesh.replicas() == null ? Replicas.alone(Device.cpu())
                    : Replicas.of(mesh.replicas(), Device.cpu(),
                            new Replicas.Settings(Replicas.Gradients.BUCKETED, 4000, zero, 5));
            TrainingSession session = training.session(
                    new ModelShare(replicas.shards(), plan.stages(mesh.place().pp()), ContextExchange.NONE,
                            TensorDivision.NONE));
            replicas.begin(session);
            Pipeline.begin(mesh.pipeline(), plan, session);
            return session;
        });
        ALONE.computeIfAbsent(training, ParallelTraining::alone).requireSame(several, tolerance);
    }

    /** What is promised: 50 steps in float32. */
    @ParameterizedTest
    @CsvSource({"AFAB,1,0", "ONE_F_ONE_B,1,0", "INTERLEAVED,1,0", "INTERLEAVED,2,0", "ONE_F_ONE_B,2,1"})
    void fiftySteps(PipelineSchedule schedule, int dp, int zero) throws Exception {
        requireSame(new ParallelTraining(ParallelTraining.llama(4, true), Precision.FP32, KernelChoice.TORCH, false, 50,
                4, 2), pipelines(dp, 2), schedule, zero, 1e-5);
    }

    /** In float64 hardly a rounding is left between one rank and several. */
    @ParameterizedTest
    @CsvSource({"AFAB,3,5,4,true,false", "ONE_F_ONE_B,3,5,4,false,true", "ONE_F_ONE_B,4,4,1,true,false",
        "ONE_F_ONE_B,4,5,3,true,true", "ONE_F_ONE_B,4,4,7,false,false", "INTERLEAVED,3,7,6,true,false",
        "INTERLEAVED,2,5,2,false,true"})
    void anyNumberOfStagesAndPasses(PipelineSchedule schedule, int pp, int layers, int passes, boolean tied,
            boolean checkpointing) throws Exception {
        requireSame(new ParallelTraining(ParallelTraining.llama(layers, tied), Precision.FP64, KernelChoice.TORCH,
                checkpointing, 5, passes, 1), pipelines(1, pp), schedule, 0, 1e-10);
    }

    /** GPT-2's positions stand behind the tied matrix in the buffers; the lab's kernels have the head in one piece. */
    @Test
    void learnedPositionsAndTheLabsKernels() throws Exception {
        ModelConfig gpt2 = new ModelConfig(61, 16, 24, 3, 4, 4, 40, ModelConfig.Norm.LAYER,
                ModelConfig.NormPlacement.PRE, 1e-5, ModelConfig.Positions.LEARNED, 10_000,
                ModelConfig.FeedForwardKind.GELU, false, true, 0);
        requireSame(new ParallelTraining(gpt2, Precision.FP32, KernelChoice.AUTO, false, 10, 4, 2), pipelines(2, 2),
                PipelineSchedule.ONE_F_ONE_B, 0, 1e-5);
    }

    @Test
    void halfTypes() throws Exception {
        requireSame(new ParallelTraining(ParallelTraining.llama(2, true), Precision.BF16, KernelChoice.TORCH, false, 3,
                2, 2), pipelines(1, 2), PipelineSchedule.ONE_F_ONE_B, 0, 1e-5);
    }

    /** What each rank of a pipeline does with its session. */
    @FunctionalInterface
    private interface Rank {
        void run(int rank, TrainingSession session, Pipeline pipeline) throws Exception;
    }

    private static void run(ParallelTraining training, int ranks, PipelineSchedule schedule, Rank rank)
            throws Exception {
        PipelinePlan plan = plan(schedule, ranks, training.model());
        RankThreads.run(ranks, RankThreads.LIMITS, group -> {
            try (TrainingSession session = training.session(
                    new ModelShare(Shards.WHOLE, plan.stages(group.rank()), ContextExchange.NONE,
                            TensorDivision.NONE));
                    Pipeline pipeline = Pipeline.begin(group, plan, session)) {
                rank.run(group.rank(), session, pipeline);
            }
        });
    }

    private static ParallelTraining training(Precision precision) {
        return new ParallelTraining(ParallelTraining.llama(4, true), precision, KernelChoice.TORCH, false, 1, 4, 2);
    }

    @ParameterizedTest
    @CsvSource({"ONE_F_ONE_B,3,7", "INTERLEAVED,2,5"})
    void evaluation(PipelineSchedule schedule, int ranks, int batches) throws Exception {
        ParallelTraining training = new ParallelTraining(ParallelTraining.llama(4, true), Precision.FP64,
                KernelChoice.TORCH, false, 1, batches, 2);
        List<TokenBatch> all = training.batches(0, 0, 1);
        double expected;
        try (TrainingSession whole = training.session(ModelShare.WHOLE)) {
            expected = whole.trainer().evaluate(all);
        }
        run(training, ranks, schedule, (rank, session, pipeline) -> {
            assertEquals(expected, session.trainer().evaluate(all), 1e-9);
            assertEquals(0, session.trainer().evaluate(List.of()));
        });
    }

    private static void spoil(TrainingSession session, String parameter) {
        for (FlatParameters.Slot slot : session.parameters().slots()) {
            if (slot.spec().path().equals(parameter)) {
                session.parameters().weights().set(new NDIndex(slot.offset()), Float.NaN);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"layers.0.attention.out.weight,layers.0", "layers.3.attention_norm.weight,layers.3",
        "head.norm.weight,head", "embedding.weight,embedding"})
    void theFirstPartThatIsNotFiniteIsNamedByAll(String spoiled, String part) throws Exception {
        ParallelTraining training = training(Precision.FP32);
        TokenBatch batch = new TokenBatch(1, 16, new long[16], new long[16]);
        run(training, 2, PipelineSchedule.INTERLEAVED, (rank, session, pipeline) -> {
            spoil(session, spoiled);
            assertEquals(part + " (its output is not finite)", session.trainer().suspect(List.of(batch)));
        });
    }

    /** Of a healthy model: the same parameter as one rank names. */
    @Test
    void theLargestGradientIsNamedByAll() throws Exception {
        ParallelTraining training = training(Precision.FP64);
        List<TokenBatch> batches = training.batches(0, 0, 1);
        String expected;
        try (TrainingSession whole = training.session(ModelShare.WHOLE)) {
            whole.trainer().step(batches);
            expected = whole.trainer().suspect(batches);
        }
        assertTrue(expected.endsWith("(it has the largest gradient)"), expected);
        run(training, 3, PipelineSchedule.AFAB, (rank, session, pipeline) -> {
            session.trainer().step(batches);
            assertEquals(expected, session.trainer().suspect(batches));
        });
    }

    /** An overflow in one stage skips the step of all, and no weight moves. */
    @Test
    void allSkipAStepThatOverflows() throws Exception {
        ParallelTraining training = training(Precision.FP16);
        run(training, 2, PipelineSchedule.ONE_F_ONE_B, (rank, session, pipeline) -> {
            session.scaler().restore(0x1p40, 0);
            Map<String, double[]> before = ParallelTraining.weights(session.parameters());
            StepReport report = session.trainer().step(training.batches(0, 0, 1));
            assertTrue(report.skipped());
            assertTrue(Double.isFinite(report.loss()));
            Map<String, double[]> after = ParallelTraining.weights(session.parameters());
            before.forEach((path, values) -> assertArrayEquals(values, after.get(path), path));
            session.scaler().restore(1024, 0);
            assertFalse(session.trainer().step(training.batches(0, 0, 1)).skipped());
        });
    }

    /** What ranks have of their own are the model's parameters, each once. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void everyParameterIsOneRanksOwn(boolean tied) throws Exception {
        ParallelTraining training = new ParallelTraining(ParallelTraining.llama(3, tied), Precision.FP32,
                KernelChoice.TORCH, false, 1, 1, 1);
        AtomicLong elements = new AtomicLong();
        run(training, 3, PipelineSchedule.AFAB, (rank, session, pipeline) -> session.parameters().slots().stream()
                .filter(slot -> slot.offset() >= pipeline.firstOwn())
                .forEach(slot -> elements.addAndGet(slot.spec().elements())));
        assertEquals(training.model().parameterCount(), elements.get());
    }

    /** All ranks are told the same, which is a part of the time. */
    @Test
    void theBubble() throws Exception {
        ParallelTraining training = training(Precision.FP32);
        Map<Integer, Double> told = new ConcurrentHashMap<>();
        Map<Integer, Double> waited = new ConcurrentHashMap<>();
        run(training, 2, PipelineSchedule.AFAB, (rank, session, pipeline) -> {
            assertTrue(Double.isNaN(pipeline.bubble()));
            session.trainer().step(training.batches(0, 0, 1));
            double bubble = pipeline.bubble();
            assertTrue(bubble > 0 && bubble < 1, "bubble " + bubble);
            told.put(rank, bubble);
            waited.put(rank, pipeline.waitedSeconds() / pipeline.stepSeconds());
        });
        assertEquals(told.get(0), told.get(1));
        // Behind the last pass a rank waits for the embedding that others have moved, too.
        assertTrue(waited.get(0) + waited.get(1) >= 2 * told.get(0), waited + ", bubble " + told.get(0));
    }

    /** A rank whose pass fails ends the others, too, with its reason; what was on its way is let go. */
    @Test
    void aRankThatFailsStopsTheOthers() throws Exception {
        ParallelTraining training = training(Precision.FP32);
        List<TokenBatch> batches = training.batches(0, 0, 1);
        long[] targets = batches.get(2).targets().clone();
        targets[5] = training.model().vocabSize() + 3;
        List<TokenBatch> bad = Arrays.asList(batches.get(0), batches.get(1), new TokenBatch(2, 16,
                batches.get(2).inputs(), targets), batches.get(3));
        run(training, 3, PipelineSchedule.ONE_F_ONE_B, (rank, session, pipeline) -> {
            RuntimeException failure = assertThrows(RuntimeException.class, () -> session.trainer().step(bad));
            boolean last = rank == 2;
            assertEquals(last, !(failure instanceof UserError));
            assertTrue(last || failure.getMessage().startsWith("rank 2 stopped: "), failure.getMessage());
        });
    }

    @Test
    void stepsThatTheScheduleCannotMakeAreRefused() throws Exception {
        ParallelTraining training = training(Precision.FP32);
        run(training, 2, PipelineSchedule.INTERLEAVED, (rank, session, pipeline) -> assertEquals(UserError.BAD_INPUT,
                assertThrows(UserError.class, () -> session.trainer().step(training.batches(0, 0, 1).subList(0, 3)))
                        .exitCode()));
    }
}
