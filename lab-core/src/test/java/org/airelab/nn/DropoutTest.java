package org.airelab.nn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.jni.JniUtils;
import ai.djl.training.ParameterStore;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Map;
import java.util.SplittableRandom;
import org.airelab.torch.Aten;
import org.airelab.torch.Autograd;
import org.airelab.torch.NativeArrays;
import org.airelab.torch.ScalarType;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Where dropout is, how often it drops and how it makes up for it. Seeded; bounds are five standard deviations. */
class DropoutTest {
    private static final double P = 0.3;
    private static final int BATCH = 150;
    private static final ModelConfig CONFIG = new ModelConfig(11, 16, 32, 1, 8, 8, 24, ModelConfig.Norm.LAYER,
            ModelConfig.NormPlacement.PRE, 1e-5, ModelConfig.Positions.LEARNED, 10_000,
            ModelConfig.FeedForwardKind.GELU, true, true, P);

    private final NDManager manager = NDManager.newBaseManager();
    private final ParameterStore store = new ParameterStore(manager, false);
    private final TorchOps ops = new TorchOps(manager, CONFIG, ScalarType.FLOAT32);
    private Autograd.Mode off;

    @BeforeEach
    void seed() {
        off = Autograd.notRecording();
        JniUtils.setSeed(5);
    }

    @AfterEach
    void close() {
        off.close();
        manager.close();
    }

    /** All weights 0 but those named, which have one value. */
    private <B extends LayerBlock> B block(B block, Map<String, Float> values) {
        FlatParameters flat = new FlatParameters(manager, block, ScalarType.FLOAT32, true);
        MemorySegment memory = NativeArrays.memory(flat.weights());
        for (FlatParameters.Slot slot : flat.slots()) {
            for (long i = 0; i < slot.spec().elements(); i++) {
                memory.setAtIndex(ValueLayout.JAVA_FLOAT, slot.offset() + i,
                        values.getOrDefault(slot.spec().path(), 0f));
            }
        }
        return block;
    }

    private NDArray zeros() {
        return manager.zeros(new Shape(BATCH, CONFIG.contextLength(), CONFIG.dim()));
    }

    private static void assertRate(double expected, long hits, long n, String what) {
        double deviation = Math.sqrt(expected * (1 - expected) / n);
        assertEquals(expected, (double) hits / n, 5 * deviation, what);
    }

    @Test
    void embeddingsAreDroppedElementByElement() {
        TokenEmbedding embedding = block(new TokenEmbedding(manager, CONFIG, ops, TensorDivision.NONE,
                ScalarType.FLOAT32),
                Map.of("weight", 2f, "positions", 1f));
        int n = BATCH * CONFIG.contextLength();
        NDArray ids = manager.create(new SplittableRandom(1).longs(n, 0, CONFIG.vocabSize()).toArray(),
                new Shape(BATCH, CONFIG.contextLength()));
        int dropped = 0;
        float[] values = embedding.forward(store, ids, true).toFloatArray();
        for (float value : values) {
            assertTrue(value == 0 || Math.abs(value - 3 / (1 - P)) < 1e-5, String.valueOf(value));
            dropped += value == 0 ? 1 : 0;
        }
        assertRate(P, dropped, values.length, "embedding");
        assertEquals(3, embedding.forward(store, ids, false).min().getFloat());
    }

    /** Both sub-layers give 1 everywhere: what a layer adds to its input is the number of those that were kept. */
    @Test
    void whatTheTwoSublayersAddIsDroppedApart() {
        DecoderLayer layer = block(new DecoderLayer(CONFIG, TensorDivision.NONE, ops, ops),
                Map.of("attention.out.bias", 1f, "feed_forward.down.bias", 1f));
        long[] kept = new long[3];
        float[] values = layer.forward(store, zeros(), true).toFloatArray();
        for (float value : values) {
            kept[whole(value * (1 - P), 2)]++;
        }
        assertRate(P * P, kept[0], values.length, "both dropped");
        assertRate(2 * P * (1 - P), kept[1], values.length, "one dropped");
        assertRate((1 - P) * (1 - P), kept[2], values.length, "none dropped");
        assertEquals(2, layer.forward(store, zeros(), false).min().getFloat());
    }

    /** All scores are equal and all values 1: position t gets the share of its t + 1 weights that were kept. */
    @Test
    void attentionWeightsAreDroppedHeadByHead() {
        SelfAttention attention = block(new SelfAttention(CONFIG, TensorDivision.NONE, ops, ops, 0, 0),
                Map.of("qkv.bias", 1f));
        NDArray weight = attention.specs().stream().filter(spec -> spec.path().equals("out.weight")).findFirst()
                .orElseThrow().parameter().getArray();
        NativeArrays.copy(manager.eye(CONFIG.dim()), weight);
        float[] values = attention.forward(store, zeros(), true).toFloatArray();
        long kept = 0;
        long weights = 0;
        int size = CONFIG.headSize();
        for (int first = 0; first < values.length; first += size) {
            int seen = first / CONFIG.dim() % CONFIG.contextLength() + 1;
            kept += whole(values[first] * seen * (1 - P), seen);
            weights += seen;
            for (int i = 1; i < size; i++) {
                assertEquals(values[first], values[first + i], 1e-5, "one mask for all elements of a head");
            }
        }
        assertRate(1 - P, kept, weights, "attention weights");
        float[] evaluated = attention.forward(store, zeros(), false).toFloatArray();
        float[] ones = new float[evaluated.length];
        Arrays.fill(ones, 1);
        assertArrayEquals(ones, evaluated, 1e-5f);
    }

    /** Of 1000 ones what is dropped, before, in and after a part of the rank's own. */
    private float[][] drops(TensorDivision division) {
        JniUtils.setSeed(9);
        NDArray ones = manager.ones(new Shape(1000));
        return new float[][] {Aten.dropout(manager, ones, P).toFloatArray(),
            division.withOwnRandomNumbers(() -> Aten.dropout(manager, ones, P)).toFloatArray(),
            division.withRandomNumbersOfTheStream(() -> Aten.dropout(manager, ones, P)).toFloatArray()};
    }

    @Test
    void ranksDropTheSameOfWhatAllHaveAndOtherOfWhatEachHas() {
        for (boolean dividesTime : new boolean[] {false, true}) {
            float[][] first = drops(new RankOnly(0, 2, dividesTime));
            float[][] second = drops(new RankOnly(1, 2, dividesTime));
            assertArrayEquals(first[0], second[0]);
            assertFalse(Arrays.equals(first[1], second[1]), "own numbers");
            assertEquals(!dividesTime, Arrays.equals(first[2], second[2]), "the stream's");
            assertFalse(Arrays.equals(first[0], first[2]), "numbers do not come again");
            float[][] again = drops(new RankOnly(1, 2, dividesTime));
            for (int i = 0; i < again.length; i++) {
                assertArrayEquals(second[i], again[i], "one seed, one mask");
            }
        }
    }

    private static int whole(double value, int most) {
        long nearest = Math.round(value);
        assertTrue(nearest >= 0 && nearest <= most && Math.abs(value - nearest) < 1e-4, String.valueOf(value));
        return (int) nearest;
    }
}
