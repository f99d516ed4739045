package org.airelab.distributed.dataparallel;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.airelab.data.TokenBatch;
import org.airelab.distributed.SharedPages;
import org.airelab.distributed.dataparallel.ReplicaTraining.Result;
import org.airelab.distributed.dataparallel.Replicas.Gradients;
import org.airelab.distributed.dataparallel.Replicas.Settings;
import org.airelab.nn.FlatParameters;
import org.airelab.nn.ModelConfig;
import org.airelab.torch.NativeArrays;
import org.airelab.train.KernelChoice;
import org.airelab.train.Precision;
import org.airelab.train.TrainingSession;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Whatever is divided among ranks, the training is that of one. */
class ZeroTest {
    private static final Map<ReplicaTraining, Result> ALONE = new HashMap<>();

    private static Settings settings(int stage) {
        return new Settings(Gradients.BUCKETED, 20_000, stage, 10);
    }

    private static ReplicaTraining llama(boolean tied, int steps) {
        return new ReplicaTraining(ReplicaTraining.llama(tied), Precision.FP32, KernelChoice.TORCH, false, steps);
    }

    private static void assertSame(ReplicaTraining training, int ranks, int stage) throws Exception {
        Result alone = ALONE.get(training);
        if (alone == null) {
            alone = training.alone();
            ALONE.put(training, alone);
        }
        alone.requireSame(training.together(ranks, settings(stage), (replicas, session) -> { }));
    }

    @ParameterizedTest(name = "ZeRO-{0}, {1} ranks, checkpointing {2}, tied {3}, {4}")
    @CsvSource({"1,2,false,true,TORCH", "1,3,true,false,TORCH",
        "2,2,false,true,TORCH", "2,3,false,false,TORCH", "2,2,true,false,TORCH", "2,3,true,true,AUTO",
        "3,2,false,true,TORCH", "3,3,false,false,TORCH", "3,2,true,false,TORCH", "3,3,true,true,TORCH",
        "3,2,false,true,AUTO", "3,2,false,false,AUTO"})
    void parity(int stage, int ranks, boolean checkpointing, boolean tied, KernelChoice kernels) throws Exception {
        assertSame(new ReplicaTraining(ReplicaTraining.llama(tied), Precision.FP32, kernels, checkpointing, 50),
                ranks, stage);
    }

    /** The decoder of 2017 without biases of its products, tied: the head has no parameter of its own. */
    @Test
    void aHeadWithoutParameters() throws Exception {
        ModelConfig model = new ModelConfig(61, 24, 32, 2, 4, 4, 64, ModelConfig.Norm.LAYER,
                ModelConfig.NormPlacement.POST, 1e-5, ModelConfig.Positions.LEARNED, 10_000,
                ModelConfig.FeedForwardKind.GELU, false, true, 0);
        assertSame(new ReplicaTraining(model, Precision.FP32, KernelChoice.TORCH, false, 50), 3,
                3);
    }

    /** bfloat16 rounds what differs in the last bit of float32 apart: the losses stay near, the weights are float32. */
    @Test
    void mixedPrecision() throws Exception {
        ReplicaTraining training = new ReplicaTraining(ReplicaTraining.llama(true), Precision.BF16,
                KernelChoice.TORCH, true, 20);
        double[] losses = training.together(2, settings(3), (replicas, session) -> { }).losses();
        assertArrayEquals(training.alone().losses(), losses, 5e-3);
    }

    /** What ranks sum and gather lies in memory that they have together: the same bits come of it as from any other. */
    @ParameterizedTest
    @CsvSource({"0,2,BUCKETED", "0,3,BUCKETED", "0,2,NAIVE", "1,3,BUCKETED", "2,2,BUCKETED", "3,3,BUCKETED"})
    void sharedMemory(int stage, int ranks, Gradients gradients) throws Exception {
        Settings settings = new Settings(gradients, 20_000, stage, 10);
        ReplicaTraining shared = llama(false, 5);
        ReplicaTraining apart = new ReplicaTraining(shared.model(), shared.precision(), shared.kernels(), false, 5,
                false);
        Result found = shared.together(ranks, settings,
                (replicas, session) -> assertWhatIsExchangedIsShared(session, true));
        Result expected = apart.together(ranks, settings,
                (replicas, session) -> assertWhatIsExchangedIsShared(session, false));
        assertArrayEquals(expected.losses(), found.losses());
        expected.weights().forEach((name, values) -> assertArrayEquals(values, found.weights().get(name), name));
    }

    private static void assertWhatIsExchangedIsShared(TrainingSession session, boolean shared) throws IOException {
        FlatParameters parameters = session.parameters();
        try (NDManager scope = session.manager().newSubManager()) {
            NDArray summed = parameters.shards().dividesGradients() ? parameters.partGradients(scope, 2)
                    : parameters.gradients();
            assertEquals(shared, SharedPages.holdAll(summed));
            // Without ZeRO no rank gathers what others have updated.
            assertEquals(shared && parameters.shards().stage() > 0, SharedPages.holdAll(parameters.weights()));
        }
    }

    /** All memory that arrays and gradients have: that of the buffers, and the same tables in each stage. */
    @Test
    void whatOthersKeepIsNotInMemory() throws Exception {
        ReplicaTraining training = llama(false, 3);
        long[] counted = new long[4];
        long[] tables = new long[4];
        for (int stage = 0; stage <= 3; stage++) {
            int zero = stage;
            training.together(3, settings(stage), (replicas, session) -> {
                if (replicas.rank() == 2) {
                    counted[zero] = counted(session);
                    tables[zero] = bytes(session) - Float.BYTES * counted[zero];
                }
            });
        }
        assertTrue(tables[0] >= 0);
        assertArrayEquals(new long[] {tables[0], tables[0], tables[0], tables[0]}, tables);
        long p = training.model().parameterCount();
        assertEquals(4 * p, counted[0], 0.01 * 4 * p);
        assertEquals((2 + 2 / 3.0) * p, counted[1], 0.01 * 4 * p);
        assertTrue(counted[2] < counted[1] && counted[3] < counted[2], counted[2] + " and " + counted[3]);
    }

    private static long counted(TrainingSession session) {
        FlatParameters parameters = session.parameters();
        return parameters.weights().size() + parameters.gradients().size() + parameters.turnsSize()
                + session.optimizer().state().values().stream().mapToLong(NDArray::size).sum();
    }

    /** Bytes that at least one array lies over. */
    private static long bytes(TrainingSession session) {
        List<MemorySegment> memory = new ArrayList<>();
        session.manager().getManagedArrays().forEach(array -> memory.add(NativeArrays.kernelMemory(array)));
        for (FlatParameters.Slot slot : session.parameters().slots()) {
            NDArray gradient = slot.spec().parameter().getArray().getGradient();
            memory.add(NativeArrays.kernelMemory(gradient));
            gradient.close();
        }
        memory.sort(Comparator.comparing(MemorySegment::address));
        long bytes = 0;
        long end = 0;
        for (MemorySegment one : memory) {
            long to = one.address() + one.byteSize();
            bytes += Math.max(0, to - Math.max(end, one.address()));
            end = Math.max(end, to);
        }
        return bytes;
    }

    /** Also between steps, where ranks look at different samples. */
    @Test
    void evaluationAndDiagnosis() throws Exception {
        ReplicaTraining training = llama(true, 3);
        String[] suspects = new String[3];
        training.together(2, settings(1), (replicas, session) -> suspects[0] = suspect(training, replicas, session));
        training.together(2, settings(2), (replicas, session) -> suspects[1] = suspect(training, replicas, session));
        training.together(2, settings(3), (replicas, session) -> suspects[2] = suspect(training, replicas, session));
        assertTrue(suspects[0].endsWith("(it has the largest gradient)"), suspects[0]);
        assertEquals(suspects[0], suspects[1]);
        assertEquals(suspects[0], suspects[2]);
    }

    private static String suspect(ReplicaTraining training, Replicas replicas, TrainingSession session) {
        List<TokenBatch> batches = training.batches(99, replicas);
        assertNull(session.engine().firstNonFinite(batches.getFirst()));
        double loss = replicas.sum(batches.stream().mapToDouble(session.engine()::evaluate).sum());
        int tokens = batches.size() * replicas.size() * training.model().contextLength();
        assertEquals(session.trainer().step(batches).loss(), loss / tokens, 1e-5);
        return session.trainer().suspect(batches);
    }

    /** A number that one rank alone has spoils the layer for all. */
    @Test
    void theLayerThatIsNotFiniteIsNamedOnAllRanks() throws Exception {
        ReplicaTraining training = llama(false, 3);
        training.together(3, settings(3), (replicas, session) -> {
            FlatParameters parameters = session.parameters();
            var layer = parameters.parts().get(2);
            if (replicas.rank() == 1) {
                try (var scope = session.manager().newSubManager()) {
                    parameters.weights(scope, parameters.owned(layer.from(), layer.to()).getFirst())
                            .set(new ai.djl.ndarray.index.NDIndex(7), Float.NaN);
                }
            }
            List<TokenBatch> batches = training.batches(99, replicas);
            double norm = session.trainer().step(batches).gradientNorm();
            assertTrue(Double.isNaN(norm), "norm " + norm);
            assertEquals("layers.1 (its output is not finite)", session.trainer().suspect(batches));
        });
    }
}
