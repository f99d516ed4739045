package org.airelab.distributed.parallel;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.Device;
import java.util.List;
import java.util.OptionalDouble;
import org.airelab.data.TokenBatch;
import org.airelab.distributed.group.SlowWork;
import org.airelab.distributed.group.WaitClock;
import org.airelab.distributed.group.shm.RankThreads;
import org.airelab.train.DivergenceGuard;
import org.airelab.train.TrainingSession;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Ranks that are threads. */
class ModelWaitsTest {
    /** Of every step it is another rank that waits longest, and all know how long; between steps nothing counts. */
    @Test
    void theLongestWaitOfEachStepCounts() throws Exception {
        double[] waited = new double[3];
        RankThreads.run(3, RankThreads.LIMITS, world -> {
            WaitClock clock = new WaitClock();
            ModelWaits waits = new ModelWaits(world, clock);
            for (int i = 0; i < 3; i++) {
                int step = i;
                assertEquals(step, waits.step(() -> {
                    clock.await(new SlowWork(step == world.rank() ? 50 : 0));
                    return step;
                }));
            }
            double before = waits.seconds();
            clock.await(new SlowWork(1));
            waits.step(() -> 0);
            assertEquals(before, waits.seconds());
            waited[world.rank()] = waits.seconds();
        });
        assertTrue(waited[0] > 0.14, waited[0] + " s");
        assertArrayEquals(new double[] {waited[0], waited[0], waited[0]}, waited);
    }

    /** Each way of sharing a model, or a sequence, counts; replicas' waits do not, and evaluations' neither. */
    @ParameterizedTest
    @CsvSource({"'dp=2 z3', false", "tp=2, true", "tp=2 sp, true", "pp=2, true", "cp=2, true", "'dp=2,tp=2', true"})
    void whoWaits(String way, boolean any) throws Exception {
        Division division = MeshTraining.division(way);
        OptionalDouble[] told = new OptionalDouble[division.mesh().ranks()];
        RankThreads.run(told.length, RankThreads.LIMITS, world -> {
            try (Ranks ranks = Ranks.of(world, Device.cpu(), division);
                    TrainingSession session = MeshTraining.session(ranks)) {
                ranks.begin(session, new DivergenceGuard(0));
                List<TokenBatch> batches = MeshTraining.batches(0, ranks);
                ranks.step(session.trainer(), batches);
                told[world.rank()] = ranks.communicationWaitSeconds();
                session.trainer().evaluate(batches);
                assertEquals(told[world.rank()], ranks.communicationWaitSeconds());
            }
        });
        for (OptionalDouble one : told) {
            assertEquals(told[0], one);
            assertEquals(any, one.isPresent());
            assertTrue(!any || one.orElseThrow() > 0, () -> "waited for " + one);
        }
    }
}
