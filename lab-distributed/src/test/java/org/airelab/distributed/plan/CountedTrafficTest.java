package org.airelab.distributed.plan;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.Device;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import org.airelab.distributed.ParallelTraining;
import org.airelab.distributed.dataparallel.Replicas;
import org.airelab.distributed.group.Call.Kind;
import org.airelab.distributed.group.CountingGroup;
import org.airelab.distributed.group.shm.RankThreads;
import org.airelab.distributed.mesh.MeshShape;
import org.airelab.distributed.parallel.Division;
import org.airelab.distributed.parallel.Ranks;
import org.airelab.distributed.pipeline.PipelineSchedule;
import org.airelab.distributed.plan.Job.Kernels;
import org.airelab.distributed.plan.Job.Method;
import org.airelab.distributed.plan.Job.Recompute;
import org.airelab.distributed.plan.Job.State;
import org.airelab.nn.ModelConfig;
import org.airelab.train.DivergenceGuard;
import org.airelab.train.KernelChoice;
import org.airelab.train.Precision;
import org.airelab.train.TrainingSession;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the plan of the lab's own training says that a rank sends is what ranks that train here send. */
class CountedTrafficTest {
    private static final int PASSES = 4;
    private static final int ROWS = 2;

    private static ModelConfig model(boolean tied) {
        return new ModelConfig(96, 16, 32, 5, 4, 2, 48, ModelConfig.Norm.RMS, ModelConfig.NormPlacement.PRE, 1e-5,
                ModelConfig.Positions.ROPE_HALF, 10_000, ModelConfig.FeedForwardKind.SWIGLU, false, tied, 0);
    }

    /** Norms' gradients, the loss and the gradient's norm, which ranks tell each other, too, are within a hundredth. */
    @ParameterizedTest
    @CsvSource({"dp=2,0,1,BF16,false,true", "dp=2,1,1,BF16,false,true", "dp=2,2,1,BF16,false,true",
        "dp=2,3,1,BF16,false,true", "dp=2,3,1,BF16,true,false", "dp=4,3,1,FP32,false,false", "tp=2,0,1,BF16,false,true",
        "tp=2,0,1,FP32,true,false", "cp=2,0,1,FP32,false,true", "cp=2,0,1,FP32,true,true", "pp=2,0,1,BF16,false,true",
        "pp=2,0,2,BF16,false,false", "pp=4,0,1,BF16,true,false", "'dp=2,tp=2',2,1,BF16,false,false",
        "'dp=2,cp=2',1,1,FP32,false,true", "'dp=2,pp=2',1,1,BF16,false,false"})
    void ofAStep(String mesh, int zero, int chunks, Precision precision, boolean twice, boolean tied) throws Exception {
        MeshShape shape = MeshShape.parse(mesh, OptionalInt.empty());
        Recompute recompute = twice ? Recompute.FULL : Recompute.NONE;
        MeshSearch search = new MeshSearch(model(tied), ROWS, PASSES,
                new Method(precision, State.FLOAT32, 2, zero, recompute, Kernels.FUSED, chunks));
        Plan plan = Plan.of(search.job(shape, zero, recompute), Cluster.parse("h100x8"));
        assertTrue(plan.job().obstacle().isEmpty());
        CountingGroup[] ranks = new CountingGroup[shape.ranks()];
        RankThreads.run(ranks.length, RankThreads.LIMITS, world -> {
            ranks[world.rank()] = new CountingGroup(world);
            step(ranks[world.rank()], new ParallelTraining(model(tied), precision, KernelChoice.AUTO, twice, 1, PASSES,
                    ROWS), division(shape, zero, chunks));
        });
        planned(plan, mesh.contains(",")).forEach(
                (kinds, bytes) -> assertEquals(most(ranks, kinds), bytes, 0.01 * bytes, kinds.toString()));
    }

    private static Division division(MeshShape shape, int zero, int chunks) {
        return new Division(shape, new Replicas.Settings(Replicas.Gradients.BUCKETED, 20_000, zero, 10), shape.tp() > 1,
                chunks > 1 ? PipelineSchedule.INTERLEAVED : PipelineSchedule.ONE_F_ONE_B, chunks);
    }

    /** Counts the second step, which begins as all later ones do. */
    private static void step(CountingGroup world, ParallelTraining training, Division division) {
        try (Ranks ranks = Ranks.of(world, Device.cpu(), division);
                TrainingSession session = training.session(ranks.share(training.model(), PASSES / ranks.samplers()))) {
            ranks.begin(session, new DivergenceGuard(0));
            for (int step = 0; step < 2; step++) {
                world.forget();
                session.trainer().step(training.batches(step, ranks.sampler(), ranks.samplers()));
            }
        }
    }

    /** Bytes by the collectives they go by; of a mesh of several ways all together. */
    private static Map<Set<Kind>, Double> planned(Plan plan, boolean together) {
        Map<Set<Kind>, Double> bytes = new HashMap<>();
        plan.flows().forEach(flow -> bytes.merge(together ? EnumSet.allOf(Kind.class)
                : switch (flow.operation().split(" ")[0]) {
                    case "all-reduce" -> EnumSet.of(Kind.ALL_REDUCE);
                    case "all-gather" -> EnumSet.of(Kind.ALL_GATHER);
                    case "reduce-scatter" -> EnumSet.of(Kind.REDUCE_SCATTER);
                    case "gathers" -> EnumSet.of(Kind.ALL_GATHER, Kind.REDUCE_SCATTER);
                    default -> EnumSet.of(Kind.SEND);
                }, flow.bytes(), Double::sum));
        return bytes;
    }

    private static double most(CountingGroup[] ranks, Set<Kind> kinds) {
        return Arrays.stream(ranks).mapToDouble(rank -> kinds.stream().mapToDouble(rank::sent).sum()).max()
                .orElseThrow();
    }
}
