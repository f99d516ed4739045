package org.airelab.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.airelab.data.TokenBatch;
import org.airelab.nn.ContextExchange;
import org.airelab.nn.Decoder;
import org.airelab.nn.FlatParameters;
import org.airelab.nn.ModelConfig;
import org.airelab.nn.Shards;
import org.airelab.nn.Stage;
import org.airelab.nn.TensorDivision;
import org.airelab.torch.NativeArrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A model of three layers whose stages belong to several sessions, walked one after another, is the whole model. */
class StagesTest {
    private static final int ALL = 5;
    private static final long PASS = 11;

    /** Sessions with their stages; a stage's session is {@code stage % sessions}. */
    private static final class Divided implements AutoCloseable {
        private final List<Stage> stages;
        private final List<TrainingSession> sessions = new ArrayList<>();

        Divided(ModelConfig config, boolean checkpointing, int ranks, Stage... stages) {
            this.stages = List.of(stages);
            for (int rank = 0; rank < ranks; rank++) {
                List<Stage> mine = new ArrayList<>();
                for (int i = rank; i < stages.length; i += ranks) {
                    mine.add(stages[i]);
                }
                sessions.add(session(config, checkpointing, new ModelShare(Shards.WHOLE, mine, ContextExchange.NONE,
                        TensorDivision.NONE)));
            }
        }

        LayerwiseEngine engine(int stage) {
            return sessions.get(stage % sessions.size()).engine();
        }

        /** A pass forward and backward; the mean loss. */
        double pass(TokenBatch batch, List<Integer> passed) {
            List<Pass> passes = new ArrayList<>();
            NDArray x = null;
            for (int i = 0; i < stages.size(); i++) {
                passes.add(engine(i).forward(stages.get(i), batch, x, PASS));
                x = passes.getLast().out();
                if (i > 0) {
                    passes.get(i - 1).freeOut();
                }
            }
            NDArray gradient = null;
            for (int i = stages.size() - 1; i >= 0; i--) {
                gradient = engine(i).backward(passes.get(i), gradient, 1, passed::add);
                passes.get(i).close();
            }
            assertNull(gradient);
            return sessions.getLast().engine().takeLoss();
        }

        @Override
        public void close() {
            sessions.forEach(TrainingSession::close);
        }
    }

    private static TrainingSession session(ModelConfig config, boolean checkpointing, ModelShare share) {
        var setup = new TrainingSession.Setup(Device.cpu(), Precision.FP64, KernelChoice.TORCH, checkpointing, 7);
        return new TrainingSession(setup, config, OptimizerConfig.adamW(1e-3),
                new Schedule(Schedule.Decay.CONSTANT, 0, 9, 1e-3, 0), share);
    }

    /** A buffer's parts by the paths of the parameters; of two with one path the sum. */
    private static void add(Map<String, double[]> values, FlatParameters parameters, NDArray buffer) {
        try (NDManager scope = buffer.getManager().newSubManager()) {
            for (FlatParameters.Slot slot : parameters.slots()) {
                values.merge(slot.spec().path(), NativeArrays.view(buffer, slot.offset(), slot.spec().elements())
                        .attach(scope).toDoubleArray(), (a, b) -> {
                            for (int i = 0; i < a.length; i++) {
                                a[i] += b[i];
                            }
                            return a;
                        });
            }
        }
    }

    private static void requireSame(Map<String, double[]> expected, Map<String, double[]> found) {
        assertEquals(expected.keySet(), found.keySet());
        expected.forEach((path, values) -> assertArrayEquals(values, found.get(path), 1e-13, path));
    }

    static Stream<ModelConfig> configurations() {
        return Stream.of(TestModel.llama(), TestModel.gpt2(), TestModel.original(),
                TestModel.withDropout(TestModel.gpt2(), 0.3));
    }

    @ParameterizedTest
    @MethodSource("configurations")
    void lossAndGradientsAreThoseOfTheWhole(ModelConfig config) {
        for (boolean checkpointing : new boolean[] {false, true}) {
            try (TestModel batches = new TestModel(config, Precision.FP32);
                    TrainingSession whole = session(config, checkpointing, ModelShare.WHOLE);
                    Divided two = new Divided(config, checkpointing, 2, new Stage(0, 3, ALL), new Stage(3, 5, ALL));
                    Divided interleaved = new Divided(config, checkpointing, 2, new Stage(0, 1, ALL),
                            new Stage(1, 3, ALL), new Stage(3, 4, ALL), new Stage(4, 5, ALL))) {
                TokenBatch batch = batches.batch(3, 2);
                whole.engine().forwardBackward(batch, 1, PASS);
                double loss = whole.engine().takeLoss();
                Map<String, double[]> expected = new HashMap<>();
                add(expected, whole.parameters(), whole.parameters().gradients());
                for (Divided divided : List.of(two, interleaved)) {
                    List<Integer> passed = new ArrayList<>();
                    assertEquals(loss, divided.pass(batch, passed), 1e-13);
                    assertEquals(List.of(4, 3, 2, 1, 0), passed);
                    Map<String, double[]> found = new HashMap<>();
                    divided.sessions.forEach(s -> add(found, s.parameters(), s.parameters().gradients()));
                    requireSame(expected, found);
                }
            }
        }
    }

    @Test
    void parametersAreThoseOfTheWholeByName() {
        try (TrainingSession whole = session(TestModel.gpt2(), false, ModelShare.WHOLE);
                Divided two = new Divided(TestModel.gpt2(), false, 2, new Stage(0, 2, ALL), new Stage(2, 5, ALL))) {
            Map<String, double[]> expected = new HashMap<>();
            add(expected, whole.parameters(), whole.parameters().weights());
            Map<String, double[]> first = new HashMap<>();
            add(first, two.sessions.get(0).parameters(), two.sessions.get(0).parameters().weights());
            Map<String, double[]> second = new HashMap<>();
            add(second, two.sessions.get(1).parameters(), two.sessions.get(1).parameters().weights());
            assertArrayEquals(expected.get(Decoder.EMBEDDING_MATRIX), first.get(Decoder.EMBEDDING_MATRIX));
            assertEquals(Decoder.EMBEDDING_MATRIX,
                    two.sessions.get(1).parameters().slots().getFirst().spec().path());
            assertArrayEquals(expected.get(Decoder.EMBEDDING_MATRIX), second.remove(Decoder.EMBEDDING_MATRIX));
            assertTrue(second.keySet().stream().noneMatch(first::containsKey));
            first.putAll(second);
            requireSame(expected, first);
        }
    }

    @Test
    void aHeadThatIsNotTiedHasNoCopyOfTheEmbedding() {
        try (Divided two = new Divided(TestModel.original(), false, 2, new Stage(0, 2, ALL), new Stage(2, 5, ALL))) {
            List<FlatParameters.Slot> slots = two.sessions.getLast().parameters().slots();
            assertTrue(slots.stream().noneMatch(slot -> slot.spec().path().startsWith("embedding")));
        }
    }

    @Test
    void evaluationInStages() {
        ModelConfig config = TestModel.llama();
        try (TestModel batches = new TestModel(config, Precision.FP32);
                TrainingSession whole = session(config, false, ModelShare.WHOLE);
                Divided two = new Divided(config, false, 2, new Stage(0, 2, ALL), new Stage(2, 5, ALL))) {
            TokenBatch batch = batches.batch(3, 2);
            LayerwiseEngine.Evaluated below = two.engine(0).evaluate(two.stages.get(0), batch, null, true);
            assertEquals(0, below.loss());
            assertEquals(ALL, below.notFinite());
            LayerwiseEngine.Evaluated above = two.engine(1).evaluate(two.stages.get(1), batch, below.out(), true);
            assertEquals(whole.engine().evaluate(batch), above.loss(), 1e-11);
            assertEquals(ALL, above.notFinite());
            assertNull(above.out());
            two.sessions.getLast().parameters().weights().set(new NDIndex(
                    two.sessions.getLast().parameters().slots().getLast().offset()), Double.NaN);
            assertEquals(4, two.engine(1).evaluate(two.stages.get(1), batch, below.out(), true).notFinite());
            below.out().close();
        }
    }

    @Test
    void theWorstGradient() {
        WorstGradient small = new WorstGradient("layers.0.x", 1, 2);
        WorstGradient large = new WorstGradient("layers.1.x", 2, 3);
        WorstGradient lost = new WorstGradient("layers.0.y", 1, Double.NaN);
        WorstGradient later = new WorstGradient("layers.2.y", 3, Double.POSITIVE_INFINITY);
        assertEquals(large, small.or(large));
        assertEquals(large, large.or(small));
        assertEquals(lost, large.or(lost));
        assertEquals(lost, lost.or(large));
        assertEquals(later, lost.or(later));
        assertEquals(later, later.or(lost));
        assertEquals("layers.1.x (it has the largest gradient)", large.toString());
        assertEquals("layers.0.y (its gradient is not finite)", lost.toString());
    }
}
