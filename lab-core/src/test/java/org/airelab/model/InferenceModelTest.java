package org.airelab.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.airelab.base.UserError;
import org.airelab.nn.KeyValueCache;
import org.airelab.nn.ModelConfig;
import org.airelab.nn.ModelConfig.FeedForwardKind;
import org.airelab.nn.ModelConfig.Positions;
import org.airelab.torch.Autograd;
import org.airelab.torch.NativeArrays;
import org.airelab.torch.ScalarType;
import org.airelab.torch.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class InferenceModelTest {
    @TempDir
    private Path folder;

    /** Logits [time][vocabularySize] of all positions without a cache. */
    static float[][] whole(InferenceModel model, long[] ids) {
        try (NDManager scope = model.manager().newSubManager(); Autograd.Mode off = Autograd.notRecording()) {
            NDArray logits = model.logits(model.hidden(scope, ids, 1));
            float[] flat = NativeArrays.floats(logits);
            int width = model.config().vocabSize();
            float[][] rows = new float[ids.length][];
            for (int i = 0; i < rows.length; i++) {
                rows[i] = Arrays.copyOfRange(flat, i * width, i * width + model.vocabularySize());
            }
            return rows;
        }
    }

    private static long[] ids(int count, int vocabulary) {
        return new Random(5).longs(count, 0, vocabulary).toArray();
    }

    @Test
    void tokenByTokenEqualsWholeSequences() {
        ModelConfig original = new ModelConfig(270, 16, 24, 2, 4, 4, 32, ModelConfig.Norm.LAYER,
                ModelConfig.NormPlacement.POST, 1e-5, Positions.SINUSOIDAL, 10_000, FeedForwardKind.RELU,
                true, false, 0);
        for (ModelConfig config : List.of(TestRuns.llama(270, 16, Positions.ROPE_HALF),
                TestRuns.llama(270, 16, Positions.ROPE_INTERLEAVED), TestRuns.gpt2(270, 16), original)) {
            Path run = folder.resolve("run" + config.hashCode());
            TestRuns.write(run, config, TestRuns.tokenizer(265), 3);
            try (InferenceModel model = TestRuns.load(run); KeyValueCache cache = model.cache(1)) {
                long[] ids = ids(16, 265);
                float[][] whole = whole(model, ids);
                assertEquals(265, whole[0].length, "only tokens the tokenizer has");
                int at = 0;
                for (int piece : new int[] {5, 1, 1, 4, 1, 4}) {
                    float[] next = model.next(Arrays.copyOfRange(ids, at, at + piece), cache, 1)[0];
                    at += piece;
                    assertArrayEquals(whole[at - 1], next, 2e-4f, config.positions() + " after " + at);
                }
            }
        }
    }

    @Test
    void sequencesOfABatchAreIndependentAndCanBeReordered() {
        Path run = folder.resolve("run");
        TestRuns.write(run, TestRuns.llama(270, 16, Positions.ROPE_HALF), TestRuns.tokenizer(265), 3);
        try (InferenceModel model = TestRuns.load(run); KeyValueCache cache = model.cache(2)) {
            long[] a = ids(6, 265);
            long[] b = Arrays.stream(a).map(id -> 264 - id).toArray();
            long[] both = new long[10];
            System.arraycopy(a, 0, both, 0, 5);
            System.arraycopy(b, 0, both, 5, 5);
            model.next(both, cache, 2);
            cache.reorder(new long[] {1, 1, 0});
            float[][] next = model.next(new long[] {b[5], a[5], a[5]}, cache, 3);
            assertArrayEquals(whole(model, b)[5], next[0], 2e-4f);
            assertArrayEquals(whole(model, a)[5], next[2], 2e-4f);
            long[] mixed = b.clone();
            mixed[5] = a[5];
            assertArrayEquals(whole(model, mixed)[5], next[1], 2e-4f);
            cache.reorder(new long[] {2});
            assertEquals(6, cache.length());
        }
    }

    @Test
    void bfloat16IsNearFloat32AndNothingIsLeftBehind() {
        Path run = folder.resolve("run");
        ModelConfig config = TestRuns.llama(270, 16, Positions.ROPE_HALF);
        SavedModel saved = TestRuns.write(run, config, TestRuns.tokenizer(265), 3);
        long[] ids = ids(9, 265);
        long live = Tensor.live();
        float[] wide;
        float[] half;
        try (InferenceModel model = TestRuns.load(run)) {
            wide = whole(model, ids)[8];
        }
        try (InferenceModel model = new InferenceModel(saved, Device.cpu(), ScalarType.BFLOAT16);
                KeyValueCache cache = model.cache(1)) {
            half = model.next(ids, cache, 1)[0];
        }
        assertEquals(live, Tensor.live());
        double error = 0;
        double size = 0;
        for (int i = 0; i < wide.length; i++) {
            error += Math.pow(wide[i] - half[i], 2);
            size += Math.pow(wide[i], 2);
        }
        assertTrue(error > 0, "bfloat16 was used");
        assertTrue(Math.sqrt(error / size) < 0.05, "relative error " + Math.sqrt(error / size));
    }

    @Test
    void aDamagedCheckpointIsPassedOverAloud() throws IOException {
        Path run = folder.resolve("run");
        ModelConfig config = TestRuns.llama(270, 16, Positions.ROPE_HALF);
        TestRuns.write(run, config, TestRuns.tokenizer(265), 3);
        Path newer = run.resolve("checkpoints/step-00000009");
        Files.createDirectory(newer);
        Files.copy(run.resolve("checkpoints/step-00000007").resolve(SavedModel.WEIGHTS),
                newer.resolve(SavedModel.WEIGHTS));
        List<String> warnings = new ArrayList<>();
        assertEquals(7, SavedModel.open(run, SavedModel.LATEST, warnings::add).checkpoint().step());
        assertEquals(1, warnings.size());
        assertTrue(warnings.getFirst().contains("step-00000009"), warnings.getFirst());
        assertEquals(7, SavedModel.open(run, "7", warnings::add).checkpoint().step());
    }

    @Test
    void whatIsNoRunOrDoesNotFitIsSaid() throws IOException {
        assertRefused(folder.resolve("none"), SavedModel.LATEST, "no run");
        assertRefused(folder, SavedModel.LATEST, "model.yaml");
        Path run = folder.resolve("run");
        TestRuns.write(run, TestRuns.llama(270, 16, Positions.ROPE_HALF), TestRuns.tokenizer(265), 3);
        assertRefused(run, "8", "step 8");
        assertRefused(run, "newest", "'newest'");
        assertRefused(run, "best", "no best checkpoint");
        Path tokenizer = run.resolve(SavedModel.TOKENIZER);
        TestRuns.tokenizer(275).save(tokenizer);
        assertRefused(run, SavedModel.LATEST, "275 tokens, its model only 270");
        Files.delete(tokenizer);
        assertRefused(run, SavedModel.LATEST, tokenizer.toString());
        TestRuns.tokenizer(265).save(tokenizer);
        Files.writeString(run.resolve(SavedModel.CONFIG),
                Files.readString(run.resolve(SavedModel.CONFIG)).replace("dim: 24", "dim: 36"));
        SavedModel other = SavedModel.open(run, SavedModel.LATEST, warning -> { });
        UserError error = assertThrows(UserError.class,
                () -> new InferenceModel(other, Device.cpu(), ScalarType.FLOAT32));
        assertTrue(error.getMessage().contains("embedding.weight"), error.getMessage());
    }

    private static void assertRefused(Path run, String which, String said) {
        UserError error = assertThrows(UserError.class, () -> SavedModel.open(run, which, warning -> { }));
        assertEquals(UserError.BAD_INPUT, error.exitCode());
        assertTrue(error.getMessage().contains(said), error.getMessage());
    }
}
