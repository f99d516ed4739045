package org.airelab.distributed.parallel;

import static org.airelab.distributed.parallel.MeshTraining.LLAMA;
import static org.airelab.distributed.parallel.MeshTraining.division;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.Device;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.airelab.base.UserError;
import org.airelab.distributed.ParallelTraining;
import org.airelab.distributed.SharedPages;
import org.airelab.distributed.group.shm.RankThreads;
import org.airelab.nn.FlatParameters;
import org.airelab.nn.ModelConfig;
import org.airelab.nn.Shards.Owned;
import org.airelab.train.DivergenceGuard;
import org.airelab.train.KernelChoice;
import org.airelab.train.Precision;
import org.airelab.train.TrainingSession;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Ranks that divide training in several ways at once, and go on in other ways from what they have saved: that is the
 * training of one rank.
 */
class MeshTrainingTest {
    private static final int HALF = MeshTraining.STEPS / 2;

    @TempDir
    private static Path folder;
    private static double[] losses;
    private static double[] norms;
    private static Map<String, float[]> weights;

    /** All steps, by one rank. */
    @BeforeAll
    static void oneRank() throws Exception {
        double[][] found = MeshTraining.train(Ranks.alone(Device.cpu()), folder.resolve("one"), 0, 2 * HALF);
        losses = found[0];
        norms = found[1];
        weights = MeshTraining.weights(folder.resolve("one"));
        assertTrue(losses[2 * HALF - 1] < losses[0] - 0.5, () -> "it learns: " + Arrays.toString(losses));
    }

    private static void train(Division division, Path run, int from) throws Exception {
        double[][][] found = new double[division.mesh().ranks()][][];
        RankThreads.run(found.length, RankThreads.LIMITS, world -> found[world.rank()] = MeshTraining.train(
                Ranks.of(world, Device.cpu(), division), run, from, HALF));
        for (double[][] one : found) {
            assertArrayEquals(found[0][0], one[0], "every rank knows the loss of all");
            assertArrayEquals(found[0][1], one[1], "and the norm");
        }
        assertArrayEquals(Arrays.copyOfRange(losses, from, from + HALF), found[0][0], 1e-5);
        for (int i = 0; i < HALF; i++) {
            assertEquals(norms[from + i], found[0][1][i], 1e-4 * norms[from + i], "norm of step " + (from + i + 1));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "dp=2 -> tp=2", "dp=4 z3 -> tp=2,dp=1 sp", "dp=2,tp=2 z1 -> tp=2,pp=2", "tp=2,pp=2 sp -> dp=2,pp=2 z1 afab",
        "tp=2,cp=2 -> pp=2 interleaved", "dp=2,tp=2 z3 sp -> cp=2,pp=2", "dp=2,cp=2 z2 -> dp=1"})
    void goesOnInAnotherWay(String ways) throws Exception {
        Path run = folder.resolve(ways.replaceAll("[^a-z0-9]+", "-"));
        String[] both = ways.split(" -> ");
        train(division(both[0]), run, 0);
        train(division(both[1]), run, HALF);
        Map<String, float[]> found = MeshTraining.weights(run);
        assertEquals(weights.keySet(), found.keySet());
        weights.forEach((name, values) -> assertArrayEquals(values, found.get(name), 1e-4f, name));
    }

    /** A rank's weight, which {@code divided} says whether others have, changes after the start. */
    private static void drift(String way, int drifting, boolean divided, Rank then) throws Exception {
        Division division = division(way);
        RankThreads.run(division.mesh().ranks(), RankThreads.LIMITS, world -> {
            try (Ranks ranks = Ranks.of(world, Device.cpu(), division);
                    TrainingSession session = MeshTraining.session(ranks)) {
                ranks.begin(session, new DivergenceGuard(0));
                FlatParameters parameters = session.parameters();
                ranks.check(10, parameters);
                if (ranks.rank() == drifting) {
                    FlatParameters.Slot last = parameters.slots().stream()
                            .filter(slot -> slot.spec().cut() != null == divided).toList().getLast();
                    Owned mine = parameters.owned(last.offset(), last.offset() + last.spec().elements()).getLast();
                    parameters.weights(session.manager(), mine).addi(0x1p-10f);
                }
                then.of(ranks, parameters);
            }
        });
    }

    /** What a rank then does. */
    @FunctionalInterface
    private interface Rank {
        void of(Ranks ranks, FlatParameters parameters);
    }

    @ParameterizedTest
    @CsvSource({"'tp=4', 2, rank 2 has, rank 0", "'tp=2,pp=2 sp', 3, rank 3 has, rank 2",
        "'dp=2,tp=2 z3', 2, rank 3 has, rank 2"})
    void anUndividedWeightThatDriftsIsFound(String way, int drifting, String named, String first) throws Exception {
        AtomicInteger found = new AtomicInteger();
        drift(way, drifting, false, (ranks, parameters) -> {
            ranks.check(11, parameters);
            try {
                ranks.check(20, parameters);
            } catch (UserError error) {
                assertEquals(UserError.LOST, error.exitCode());
                assertTrue(error.getMessage().startsWith("after step 20 " + named + " other undivided weights than "
                        + first + " (checksums"), error.getMessage());
                found.incrementAndGet();
            }
        });
        assertEquals(division(way).mesh().tp(), found.get(), "ranks that know");
    }

    @Test
    void dividedWeightsMayDiffer() throws Exception {
        drift("tp=2", 1, true, (ranks, parameters) -> ranks.check(20, parameters));
    }

    private static void fails(String sentence, Executable deed) {
        UserError error = assertThrows(UserError.class, deed);
        assertEquals(sentence, error.getMessage());
        assertEquals(UserError.BAD_INPUT, error.exitCode());
    }

    /** Each pair of replicas has memory for the gradients of its part of the layers; who has no replica needs none. */
    @ParameterizedTest
    @CsvSource({"'dp=2,tp=2', true", "dp=2, true", "tp=2, false"})
    void replicasShareTheMemoryOfGradients(String way, boolean shared) throws Exception {
        Division division = division(way);
        RankThreads.run(division.mesh().ranks(), RankThreads.LIMITS, world -> {
            try (Ranks ranks = Ranks.of(world, Device.cpu(), division);
                    TrainingSession session = MeshTraining.session(ranks)) {
                assertEquals(shared, SharedPages.holdAll(session.parameters().gradients()));
                assertFalse(SharedPages.holdAll(session.parameters().weights()));
            }
        });
    }

    @Test
    void otherOptionsAreRefused() throws Exception {
        RankThreads.run(3, RankThreads.LIMITS, world -> fails("rank 2 has other options of ranks than rank 0.",
                () -> Ranks.of(world, Device.cpu(), division(world.rank() == 2 ? "tp=3 sp" : "tp=3"))));
    }

    @Test
    void float64IsRefused() throws Exception {
        ParallelTraining training = new ParallelTraining(LLAMA, Precision.FP64, KernelChoice.TORCH, false, 1, 1, 1);
        RankThreads.run(2, RankThreads.LIMITS, world -> {
            try (Ranks ranks = Ranks.of(world, Device.cpu(), division("pp=2"));
                    TrainingSession session = training.session(ranks.share(LLAMA, 1))) {
                fails("several ranks sum gradients in float32, and this run's are float64.",
                        () -> ranks.begin(session, new DivergenceGuard(0)));
            }
        });
    }

    private static String refused(String way, ModelConfig model, int passes) {
        UserError error = assertThrows(UserError.class, () -> division(way).require(model, passes));
        assertEquals(UserError.BAD_INPUT, error.exitCode());
        return error.getMessage();
    }

    @Test
    void whatCannotBeDividedIsRefused() {
        assertTrue(refused("dp=2,pp=2 z2", LLAMA, 4).startsWith("--zero 2 frees what the backward pass of a later"));
        assertTrue(refused("dp=2 sp", LLAMA, 4).startsWith("--sequence-parallel divides tokens among the ranks"));
        assertTrue(refused("pp=5", LLAMA, 4).startsWith("a pipeline of 5 ranks with 1 stage each needs at least 5"));
        assertTrue(refused("pp=2 interleaved", LLAMA, 3).contains("in groups of 2"));
        assertTrue(refused("cp=5", LLAMA, 4).contains("context_length 24 is not a multiple"));
        assertEquals("sequence parallelism of 4 ranks needs a multiple of 4 tokens in a sequence, or in the part of it"
                + " that they have, found 6.", refused("cp=4,tp=4 sp", LLAMA, 4));
        assertEquals("tensor parallelism of 5 ranks needs a multiple of 5 as model.heads, found 8.",
                refused("tp=5", LLAMA, 4));
    }
}
