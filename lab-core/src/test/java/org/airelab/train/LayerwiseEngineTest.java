package org.airelab.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.airelab.data.TokenBatch;
import org.airelab.nn.FlatParameters;
import org.airelab.nn.LayerOps;
import org.airelab.nn.ModelConfig;
import org.airelab.nn.TorchOps;
import org.airelab.torch.ScalarType;
import org.airelab.torch.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class LayerwiseEngineTest {
    static Stream<ModelConfig> configurations() {
        return Stream.of(TestModel.llama(), TestModel.interleaved(TestModel.llama()), TestModel.gpt2(),
                TestModel.original());
    }

    @ParameterizedTest
    @MethodSource("configurations")
    void layerwiseGradientsEqualThoseOfOneGraph(ModelConfig config) {
        try (TestModel m = new TestModel(config, Precision.FP32)) {
            TokenBatch batch = m.batch(3, 2);
            double whole = m.whole(batch, true);
            float[] expected = m.gradients();
            m.flat.zeroGradients();
            m.engine(false).forwardBackward(batch, 1, 0);
            assertEquals(whole, m.head.takeLoss(), 1e-6);
            assertArrayEquals(expected, m.gradients(), 1e-7f);
            assertEquals(whole * batch.targets().length, m.engine(false).evaluate(batch), 1e-3);
        }
    }

    @ParameterizedTest
    @MethodSource("configurations")
    void gradientsEqualFiniteDifferences(ModelConfig config) {
        try (TestModel m = new TestModel(config, Precision.FP64)) {
            TokenBatch batch = m.batch(4, 2);
            m.engine(false).forwardBackward(batch, 1, 0);
            double[] gradient = m.gradients64();
            SplittableRandom random = new SplittableRandom(5);
            for (FlatParameters.Slot slot : m.flat.slots()) {
                for (int trial = 0; trial < 3; trial++) {
                    long i = slot.offset() + random.nextLong(slot.spec().elements());
                    double expected = difference(m, batch, i);
                    assertEquals(expected, gradient[(int) i], 1e-7 + 1e-5 * Math.abs(expected), slot.spec().path());
                }
            }
        }
    }

    /** Central difference of the whole graph's loss by weight i. */
    private static double difference(TestModel m, TokenBatch batch, long i) {
        double h = 1e-5;
        var index = new ai.djl.ndarray.index.NDIndex(i);
        double w = m.flat.weights().getDouble(i);
        m.flat.weights().set(index, w + h);
        double above = m.whole(batch, false);
        m.flat.weights().set(index, w - h);
        double below = m.whole(batch, false);
        m.flat.weights().set(index, w);
        return (above - below) / (2 * h);
    }

    @ParameterizedTest
    @MethodSource("configurations")
    void checkpointingChangesNothing(ModelConfig plain) {
        for (ModelConfig config : List.of(plain, TestModel.withDropout(plain, 0.2))) {
            try (TestModel m = new TestModel(config, Precision.FP32)) {
                TokenBatch batch = m.batch(6, 2);
                m.engine(false).forwardBackward(batch, 1, 11);
                double loss = m.head.takeLoss();
                float[] expected = m.gradients();
                m.flat.zeroGradients();
                m.engine(true).forwardBackward(batch, 1, 11);
                assertEquals(loss, m.head.takeLoss());
                assertArrayEquals(expected, m.gradients());
            }
        }
    }

    @Test
    void dropoutDependsOnThePassAndTheSeedAlone() {
        try (TestModel m = new TestModel(TestModel.withDropout(TestModel.llama(), 0.3), Precision.FP32)) {
            TokenBatch batch = m.batch(6, 2);
            double[] losses = new double[3];
            long[] passes = {1, 2, 1};
            for (int i = 0; i < 3; i++) {
                m.engine(false).forwardBackward(batch, 1, passes[i]);
                losses[i] = m.head.takeLoss();
            }
            assertEquals(losses[0], losses[2]);
            assertTrue(losses[0] != losses[1]);
        }
    }

    @Test
    void everySeedPassAndLayerHasMasksOfItsOwn() {
        Set<Long> seeds = new HashSet<>();
        for (long seed = 0; seed < 10; seed++) {
            for (long pass = 0; pass < 10; pass++) {
                for (int layer = -1; layer < 10; layer++) {
                    assertTrue(seeds.add(DropoutSeed.of(seed, pass, layer)),
                            "seed " + seed + ", pass " + pass + ", layer " + layer);
                }
            }
        }
    }

    @Test
    void accumulationOfEightEqualsOneBatchOfEight() {
        try (TestModel m = new TestModel(TestModel.llama(), Precision.FP64)) {
            TokenBatch all = m.batch(8, 8);
            m.engine(false).forwardBackward(all, 1, 0);
            double loss = m.head.takeLoss();
            double[] expected = m.gradients64();
            m.flat.zeroGradients();
            for (TokenBatch row : TestModel.rows(all)) {
                m.engine(false).forwardBackward(row, 1.0 / 8, 0);
            }
            assertEquals(loss, m.head.takeLoss(), 1e-12);
            assertArrayEquals(expected, m.gradients64(), 1e-13);
        }
    }

    @Test
    void laterTokensDoNotReachEarlierOnes() {
        try (TestModel m = new TestModel(TestModel.llama(), Precision.FP32)) {
            TokenBatch batch = m.batch(9, 1);
            long[] changed = batch.inputs().clone();
            int last = changed.length - 1;
            changed[last] = (changed[last] + 1) % m.config.vocabSize();
            float[] before = logits(m, batch.inputs());
            float[] after = logits(m, changed);
            int vocab = m.config.vocabSize();
            assertArrayEquals(java.util.Arrays.copyOf(before, last * vocab),
                    java.util.Arrays.copyOf(after, last * vocab), 1e-6f);
            assertTrue(before[last * vocab] != after[last * vocab]);
        }
    }

    private static float[] logits(TestModel m, long[] ids) {
        try (var scope = m.manager.newSubManager(); var off = org.airelab.torch.Autograd.notRecording()) {
            return m.model.forward(m.store, scope.create(ids, new ai.djl.ndarray.types.Shape(1, ids.length)), false)
                    .toFloatArray();
        }
    }

    @Test
    void theCacheChangesNothing() {
        for (ModelConfig config : configurations().toList()) {
            try (TestModel m = new TestModel(config, Precision.FP32)) {
                long[] ids = m.batch(10, 1).inputs();
                float[] all = logits(m, ids);
                int vocab = config.vocabSize();
                try (var scope = m.manager.newSubManager(); var off = org.airelab.torch.Autograd.notRecording();
                        var cache = new org.airelab.nn.KeyValueCache(scope, config,
                                org.airelab.torch.ScalarType.FLOAT32, 1)) {
                    int at = 0;
                    for (int length : new int[] {5, 1, 1, 7, 10}) {
                        float[] next = m.model.next(m.store,
                                scope.create(java.util.Arrays.copyOfRange(ids, at, at + length),
                                        new ai.djl.ndarray.types.Shape(1, length)), cache).toFloatArray();
                        at += length;
                        assertArrayEquals(java.util.Arrays.copyOfRange(all, (at - 1) * vocab, at * vocab), next, 2e-5f);
                    }
                }
            }
        }
    }

    @Test
    void parameterCountIsWhatTheConfigurationSays() {
        for (ModelConfig config : configurations().toList()) {
            try (TestModel m = new TestModel(config, Precision.FP32)) {
                assertEquals(config.parameterCount(), m.flat.parameterCount());
            }
        }
        assertEquals(260_032, org.airelab.nn.ModelPresets.all().get("stories260k").parameterCount());
        // llama2.c's README: 15M and 110M; Hugging Face's gpt2: 124,439,808
        assertEquals(15_191_712, org.airelab.nn.ModelPresets.all().get("stories15m").parameterCount());
        assertEquals(109_529_856, org.airelab.nn.ModelPresets.all().get("stories110m").parameterCount());
        assertEquals(124_439_808, org.airelab.nn.ModelPresets.all().get("gpt2-124m").parameterCount());
    }

    @Test
    void manyPassesLeaveNothingBehind() {
        try (TestModel m = new TestModel(TestModel.llama(), Precision.FP32)) {
            LayerwiseEngine engine = m.engine(false);
            TokenBatch batch = m.batch(3, 1);
            long arrays = 0;
            long tensors = 0;
            for (int i = 0; i < 50; i++) {
                if (i == 2) {
                    arrays = m.manager.getManagedArrays().size();
                    tensors = Tensor.live();
                }
                engine.forwardBackward(batch, 1, i);
            }
            assertEquals(arrays, m.manager.getManagedArrays().size());
            assertEquals(tensors, Tensor.live());
        }
    }

    @ParameterizedTest
    @MethodSource("configurations")
    void halfPrecisionsStayNearFloat32(ModelConfig config) {
        for (Precision precision : List.of(Precision.BF16, Precision.FP16)) {
            try (TestModel half = new TestModel(config, precision);
                    TestModel full = new TestModel(config, Precision.FP32)) {
                TokenBatch batch = half.batch(12, 2);
                half.engine(false).forwardBackward(batch, 64, 0);
                full.engine(false).forwardBackward(batch, 64, 0);
                assertEquals(full.head.takeLoss(), half.head.takeLoss(), 2e-2, precision.name());
                float[] a = full.gradients();
                float[] b = half.gradients();
                double difference = 0;
                double norm = 0;
                for (int i = 0; i < a.length; i++) {
                    difference += (a[i] - b[i]) * (a[i] - b[i]);
                    norm += a[i] * a[i];
                }
                assertTrue(Math.sqrt(difference / norm) < 0.05, precision + ": " + Math.sqrt(difference / norm));
            }
        }
    }

    @Test
    void theFirstLayerThatIsNotFiniteIsNamed() {
        try (TestModel m = new TestModel(TestModel.llama(), Precision.FP32)) {
            TokenBatch batch = m.batch(3, 1);
            assertEquals(null, m.engine(false).firstNonFinite(batch));
            long at = m.flat.slots().stream().filter(s -> s.spec().path().equals("layers.1.attention.out.weight"))
                    .findFirst().orElseThrow().offset();
            m.flat.weights().set(new ai.djl.ndarray.index.NDIndex(at), Float.NaN);
            assertEquals("layers.1", m.engine(false).firstNonFinite(batch));
        }
    }

    /** Evaluation and the search for what is not finite need the memory of one layer, not of all. */
    @Test
    void withoutGradientsALayersArraysAreFreedBeforeTheNextComputes() {
        List<NDManager> scopes = new ArrayList<>();
        try (NDManager tables = NDManager.newBaseManager();
                TestModel m = new TestModel(TestModel.llama(), Precision.FP32, watched(tables, scopes))) {
            TokenBatch batch = m.batch(3, 1);
            m.engine(false).firstNonFinite(batch);
            assertEquals(m.config.layers(), scopes.size());
            scopes.clear();
            m.engine(false).evaluate(batch);
            assertEquals(m.config.layers(), scopes.size());
        }
    }

    /** Plain operators that take down whose scopes they compute in, and refuse to while an earlier one is open. */
    private static LayerOps watched(NDManager tables, List<NDManager> scopes) {
        TorchOps plain = new TorchOps(tables, TestModel.llama(), ScalarType.FLOAT32);
        return (LayerOps) Proxy.newProxyInstance(LayerOps.class.getClassLoader(), new Class<?>[] {LayerOps.class},
                (proxy, method, arguments) -> {
                    NDManager scope = arguments != null && arguments[0] instanceof NDArray x ? x.getManager() : null;
                    if (scope != null && !scopes.contains(scope)) {
                        assertTrue(scopes.stream().noneMatch(NDManager::isOpen));
                        scopes.add(scope);
                    }
                    return method.invoke(plain, arguments);
                });
    }
}
