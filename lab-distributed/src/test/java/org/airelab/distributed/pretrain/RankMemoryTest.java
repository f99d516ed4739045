package org.airelab.distributed.pretrain;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.Device;
import org.airelab.nn.ModelPresets;
import org.airelab.train.KernelChoice;
import org.airelab.train.ModelShare;
import org.airelab.train.OptimizerConfig;
import org.airelab.train.Precision;
import org.airelab.train.Schedule;
import org.airelab.train.Shards;
import org.airelab.train.TrainingSession;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RankMemoryTest {
    /** What is there is what the formula says, but for gaps of less than a hundredth. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void formula(int ranks) {
        var setup = new TrainingSession.Setup(Device.cpu(), Precision.FP32, KernelChoice.AUTO, false, 1);
        try (TrainingSession session = new TrainingSession(setup, ModelPresets.all().get("stories260k"),
                OptimizerConfig.adamW(1e-3), new Schedule(Schedule.Decay.CONSTANT, 0, 9, 1e-3, 0),
                new ModelShare(Shards.of(ranks - 1, ranks, 10_000)))) {
            RankMemory memory = RankMemory.of(session, ranks);
            double p = session.parameters().parameterCount();
            assertEquals(4 * p, memory.weights(), 0.01 * 4 * p);
            assertEquals(4 * p, memory.gradients(), 0.01 * 4 * p);
            assertEquals(8 * p / ranks, memory.optimizer(), 0.01 * 8 * p / ranks);
            assertTrue(memory.toString().contains(ranks == 1 ? "(8P)" : "(8P/" + ranks + ")"), memory.toString());
        }
    }
}
