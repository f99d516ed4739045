package org.airelab.distributed.tensorparallel;

import static org.junit.jupiter.api.Assertions.assertEquals;

import ai.djl.Device;
import java.util.List;
import java.util.Map;
import org.airelab.data.TokenBatch;
import org.airelab.distributed.group.Call.Kind;
import org.airelab.distributed.group.CountingGroup;
import org.airelab.distributed.group.ProcessGroup;
import org.airelab.distributed.group.shm.RankThreads;
import org.airelab.nn.ContextExchange;
import org.airelab.nn.ModelConfig;
import org.airelab.nn.Shards;
import org.airelab.train.KernelChoice;
import org.airelab.train.ModelShare;
import org.airelab.train.OptimizerConfig;
import org.airelab.train.Precision;
import org.airelab.train.Schedule;
import org.airelab.train.TrainingSession;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a layer's forward and backward passes exchange: what a model of two layers does beyond one of one layer. */
class ExchangedBytesTest {
    private static final int BATCH = 3;
    private static final int TIME = 8;
    private static final int DIM = 16;

    private static CountingGroup pass(ProcessGroup group, boolean dividesTime, boolean checkpointing,
            Precision precision, int layers) {
        ModelConfig config = new ModelConfig(11, TIME, DIM, layers, 2, 2, 24, ModelConfig.Norm.RMS,
                ModelConfig.NormPlacement.PRE, 1e-5, ModelConfig.Positions.ROPE_HALF, 10_000,
                ModelConfig.FeedForwardKind.SWIGLU, false, true, 0);
        var setup = new TrainingSession.Setup(Device.cpu(), precision, KernelChoice.TORCH, checkpointing, 1);
        CountingGroup counting = new CountingGroup(group);
        try (TensorParallel division = new TensorParallel(counting, dividesTime);
                TrainingSession session = new TrainingSession(setup, config, OptimizerConfig.adamW(1e-3),
                        new Schedule(Schedule.Decay.CONSTANT, 0, 9, 1e-3, 0),
                        new ModelShare(Shards.WHOLE, List.of(), ContextExchange.NONE, division))) {
            session.trainer().step(List.of(new TokenBatch(BATCH, TIME, new long[BATCH * TIME],
                    new long[BATCH * TIME])));
        }
        return counting;
    }

    @ParameterizedTest
    @CsvSource({"false,false,FP32,4,0,0", "true,false,FP32,0,6,4", "false,false,BF16,4,0,0", "true,false,BF16,0,6,4",
        "false,true,FP32,6,0,0", "true,true,FP32,0,8,6"})
    void ofALayer(boolean dividesTime, boolean checkpointing, Precision precision, long reduced, long gathered,
            long scattered) throws Exception {
        RankThreads.run(2, RankThreads.LIMITS, group -> {
            CountingGroup one = pass(group, dividesTime, checkpointing, precision, 1);
            CountingGroup two = pass(group, dividesTime, checkpointing, precision, 2);
            Map<Kind, Long> expected = Map.of(Kind.ALL_REDUCE, reduced, Kind.ALL_GATHER, gathered,
                    Kind.REDUCE_SCATTER, scattered);
            expected.forEach((kind, count) -> {
                assertEquals(count, two.calls(kind) - one.calls(kind), kind.toString());
                assertEquals(count * BATCH * TIME * DIM * precision.computed().bytes(),
                        two.bytes(kind) - one.bytes(kind), kind.toString());
            });
        });
    }
}
