package org.airelab.distributed.pretrain;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.airelab.distributed.dataparallel.BatchShare;
import org.airelab.distributed.mesh.MeshShape;
import org.airelab.nn.Shards;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MemoryNeedTest {
    private static final PretrainConfig CONFIG = PretrainPresets.all().get("stories15m");

    private static MemoryNeed need(int ranks, Shards shards) {
        return MemoryNeed.of(CONFIG, BatchShare.of(32, 4, 0, ranks), shards, MeshShape.ONE);
    }

    /** Of 4 passes of 32 sequences: whole passes first, then parts of one. */
    @ParameterizedTest
    @CsvSource({"1,1,1", "2,1,2", "4,1,4", "8,2,8", "128,32,128"})
    void aRankNeedsWhatItsShareTakes(int ranks, int activationsBy, int tokensBy) {
        MemoryNeed one = need(1, Shards.WHOLE);
        MemoryNeed found = need(ranks, Shards.WHOLE);
        assertEquals(one.activations() / activationsBy, found.activations());
        assertEquals(one.tokens() / tokensBy, found.tokens());
        assertEquals(one.state(), found.state());
    }

    /** What layers, their insides and sequences are divided among. */
    @Test
    void aMeshDividesTheModel() {
        MemoryNeed one = need(1, Shards.WHOLE);
        MemoryNeed found = MemoryNeed.of(CONFIG, BatchShare.of(32, 4, 0, 1), Shards.WHOLE, new MeshShape(1, 4, 2, 2));
        assertEquals(one.state() / 4, found.state());
        assertEquals(one.activations() / 16, found.activations());
    }

    /** Bytes of a parameter: 4 of its weight, 4 of its gradient, 8 of Adam's two buffers, divided stage by stage. */
    @ParameterizedTest
    @CsvSource({"1,1,16", "1,2,12", "1,8,9", "2,1,16", "2,2,10", "2,8,5.5", "3,2,8", "3,8,2"})
    void stateOfSharers(int stage, int ranks, double bytes) {
        Shards shards = stage == 1 ? Shards.of(0, ranks, 1000) : Shards.ofParts(0, ranks, stage);
        assertEquals(bytes * CONFIG.model().parameterCount(), need(ranks, shards).state());
    }
}
