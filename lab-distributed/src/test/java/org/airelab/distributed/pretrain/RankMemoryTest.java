package org.airelab.distributed.pretrain;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.Device;
import java.util.Locale;
import org.airelab.nn.ModelConfig;
import org.airelab.nn.ModelPresets;
import org.airelab.nn.Shards;
import org.airelab.train.KernelChoice;
import org.airelab.train.ModelShare;
import org.airelab.train.OptimizerConfig;
import org.airelab.train.Precision;
import org.airelab.train.Schedule;
import org.airelab.train.TrainingSession;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RankMemoryTest {
    private static Shards shards(int stage, int ranks) {
        return switch (stage) {
            case 0 -> Shards.WHOLE;
            case 1 -> Shards.of(ranks - 1, ranks, 10_000);
            default -> Shards.ofParts(ranks - 1, ranks, stage);
        };
    }

    /** What is there is what the formula says, but for gaps of less than a hundredth. */
    @ParameterizedTest
    @CsvSource({"0,1", "1,1", "1,2", "1,3", "2,2", "2,3", "3,1", "3,2", "3,3"})
    void formula(int stage, int ranks) {
        var setup = new TrainingSession.Setup(Device.cpu(), Precision.FP32, KernelChoice.AUTO, false, 1);
        ModelConfig model = ModelPresets.all().get("stories260k");
        try (TrainingSession session = new TrainingSession(setup, model, OptimizerConfig.adamW(1e-3),
                new Schedule(Schedule.Decay.CONSTANT, 0, 9, 1e-3, 0), new ModelShare(shards(stage, ranks)))) {
            RankMemory memory = RankMemory.of(session);
            double p = model.parameterCount();
            double weights = 4 * p / (stage == 3 ? ranks : 1);
            double gradients = 4 * p / (stage >= 2 ? ranks : 1);
            assertEquals(weights, memory.weights(), 0.01 * weights);
            assertEquals(gradients, memory.gradients(), 0.01 * gradients);
            assertEquals(8 * p / ranks, memory.optimizer(), 0.01 * 8 * p / ranks);
            String by = ranks == 1 ? "" : "/" + ranks;
            String formulas = String.format(Locale.ROOT, "of weights (4P%s = %.2f), of gradients (4P%s = %.2f), of the"
                    + " optimizer's state (8P%s = %.2f)", stage == 3 ? by : "", weights / 1e6, stage >= 2 ? by : "",
                    gradients / 1e6, by, 8 * p / ranks / 1e6);
            assertTrue(memory.toString().replaceAll("[0-9.]+ MB ", "").contains(formulas), memory.toString());
            // The embedding, which the head computes with, two layers and the head's norm.
            double embedding = (double) model.vocabSize() * model.dim();
            double layer = (p - embedding - model.dim()) / model.layers();
            double turns = 4 * (embedding + 2 * layer + model.dim()) * Math.max(0, stage - 1);
            assertEquals(turns, memory.turns(), 0.01 * turns);
            assertEquals(weights + gradients + 8 * p / ranks + turns, memory.total(), 0.01 * memory.total());
        }
    }

    @Test
    void theRankThatNeedsMostIsNamed() {
        assertEquals("together 3.00 MB on each rank", RankMemory.range(new long[] {3_000_000, 3_000_000}));
        assertEquals("together 1.50 to 4.20 MB on a rank, the most on rank 1",
                RankMemory.range(new long[] {2_000_000, 4_200_000, 1_500_000, 4_200_000}));
    }
}
