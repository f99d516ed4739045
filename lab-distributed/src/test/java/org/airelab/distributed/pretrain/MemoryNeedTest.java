package org.airelab.distributed.pretrain;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.airelab.distributed.dataparallel.BatchShare;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MemoryNeedTest {
    private static final PretrainConfig CONFIG = PretrainPresets.all().get("stories15m");

    private static MemoryNeed need(int ranks, int sharers) {
        return MemoryNeed.of(CONFIG, BatchShare.of(32, 4, 0, ranks), sharers);
    }

    /** Of 4 passes of 32 sequences: whole passes first, then parts of one. */
    @ParameterizedTest
    @CsvSource({"1,1,1", "2,1,2", "4,1,4", "8,2,8", "128,32,128"})
    void aRankNeedsWhatItsShareTakes(int ranks, int activationsBy, int tokensBy) {
        assertEquals(need(1, 1).activations() / activationsBy, need(ranks, 1).activations());
        assertEquals(need(1, 1).tokens() / tokensBy, need(ranks, 1).tokens());
        assertEquals(need(1, 1).state(), need(ranks, 1).state());
    }

    /** Weights and gradients are whole on each rank, Adam's two buffers are divided. */
    @ParameterizedTest
    @CsvSource({"1,16", "2,12", "8,9"})
    void stateOfSharers(int sharers, double bytes) {
        assertEquals(bytes * CONFIG.model().parameterCount(), need(sharers, sharers).state());
    }
}
