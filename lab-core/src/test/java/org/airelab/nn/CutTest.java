package org.airelab.nn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.ndarray.NDManager;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.airelab.base.UserError;
import org.airelab.nn.Cut.Range;
import org.airelab.nn.Cut.Run;
import org.airelab.torch.NativeArrays;
import org.airelab.torch.ScalarType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CutTest {
    private static final ModelConfig LLAMA = new ModelConfig(61, 24, 32, 2, 8, 4, 44, ModelConfig.Norm.RMS,
            ModelConfig.NormPlacement.PRE, 1e-5, ModelConfig.Positions.ROPE_HALF, 10_000,
            ModelConfig.FeedForwardKind.SWIGLU, false, true, 0);
    private static final ModelConfig GPT2 = new ModelConfig(61, 24, 32, 2, 4, 4, 64, ModelConfig.Norm.LAYER,
            ModelConfig.NormPlacement.PRE, 1e-5, ModelConfig.Positions.LEARNED, 10_000,
            ModelConfig.FeedForwardKind.GELU, true, false, 0);

    /** Against the indices of each element, one by one, of random shapes, dimensions and packings. */
    @Test
    void runsAreWhereTheElementsBelong() {
        SplittableRandom random = new SplittableRandom(1);
        for (int trial = 0; trial < 300; trial++) {
            long[] whole = random.longs(1 + random.nextInt(4), 1, 6).toArray();
            int dimension = random.nextInt(whole.length);
            long[] parts = random.longs(1 + random.nextInt(3), 0, 8).toArray();
            parts[0]++;
            whole[dimension] = Arrays.stream(parts).sum();
            int ranks = 1 + random.nextInt(4);
            int[] owners = new int[(int) Arrays.stream(whole).reduce(1, (a, b) -> a * b)];
            for (int rank = 0; rank < ranks; rank++) {
                Cut cut = Cut.of(rank, ranks, whole, dimension, parts);
                long elements = Arrays.stream(cut.shape()).reduce(1, (a, b) -> a * b);
                long middle = random.nextLong(elements + 1);
                long local = 0;
                for (Run run : both(cut.runs(0, middle), cut.runs(middle, elements))) {
                    for (int i = 0; i < run.length(); i++) {
                        assertEquals(local, run.local() + i);
                        assertEquals(wholeIndex(cut, local++), run.whole() + i);
                        owners[(int) run.whole() + i]++;
                    }
                }
                assertEquals(elements, local);
                assertTrue(cut.room() >= local);
            }
            for (int owner : owners) {
                assertEquals(1, owner, "each element is on one rank");
            }
        }
    }

    private static List<Run> both(List<Run> first, List<Run> second) {
        return Stream.concat(first.stream(), second.stream()).toList();
    }

    /**
     * Of an element of the part: taken apart into its indices, moved along the divided dimension, put together again.
     */
    private static long wholeIndex(Cut cut, long local) {
        long[] shape = cut.shape();
        long[] at = new long[shape.length];
        for (int i = shape.length - 1; i >= 0; i--) {
            at[i] = local % shape[i];
            local /= shape[i];
        }
        for (Range range : cut.ranges()) {
            if (at[cut.dimension()] < range.size()) {
                at[cut.dimension()] += range.from();
                break;
            }
            at[cut.dimension()] -= range.size();
        }
        long index = 0;
        for (int i = 0; i < shape.length; i++) {
            index = index * cut.whole()[i] + at[i];
        }
        return index;
    }

    @Test
    void whatDoesNotGoRoundIsMoreOnSomeRanks() {
        assertEquals(List.of(new Range(0, 15)), Cut.of(0, 4, new long[] {61, 8}, 0, 61).ranges());
        assertEquals(List.of(new Range(45, 61)), Cut.of(3, 4, new long[] {61, 8}, 0, 61).ranges());
        for (int rank = 0; rank < 4; rank++) {
            assertEquals(16 * 8, Cut.of(rank, 4, new long[] {61, 8}, 0, 61).room());
        }
    }

    @Test
    void rangesThatAreNoneAreRefused() {
        assertThrows(IllegalArgumentException.class,
                () -> new Cut(new long[] {4}, 0, List.of(new Range(2, 3), new Range(1, 2)), 2));
        assertThrows(IllegalArgumentException.class, () -> new Cut(new long[] {4}, 0, List.of(new Range(2, 5)), 3));
    }

    private static FlatParameters parameters(NDManager manager, ModelConfig config, TensorDivision division) {
        ScalarType type = ScalarType.FLOAT32;
        FlatParameters flat = new FlatParameters(manager, new Decoder(manager, config, type, type,
                new TorchOps(manager, config, type, division), List.of(Stage.whole(config)),
                        division), type, false);
        flat.initialize(5);
        return flat;
    }

    private static float[] values(FlatParameters flat, FlatParameters.Slot slot) {
        return Arrays.copyOfRange(NativeArrays.floats(flat.weights()), (int) slot.offset(),
                (int) (slot.offset() + slot.spec().elements()));
    }

    /** The same seed gives the same model, and parameters lie at the same places on all ranks. */
    @ParameterizedTest
    @ValueSource(ints = {2, 4})
    void allRanksTogetherHaveTheWholeModel(int ranks) {
        for (ModelConfig config : List.of(LLAMA, GPT2)) {
            try (NDManager manager = NDManager.newBaseManager()) {
                FlatParameters whole = parameters(manager, config, TensorDivision.NONE);
                Map<String, Integer> found = new HashMap<>();
                List<Long> offsets = null;
                for (int rank = 0; rank < ranks; rank++) {
                    FlatParameters part = parameters(manager, config, new RankOnly(rank, ranks, false));
                    List<Long> here = part.slots().stream().map(FlatParameters.Slot::offset).toList();
                    assertEquals(offsets == null ? here : offsets, here);
                    offsets = here;
                    for (int i = 0; i < whole.slots().size(); i++) {
                        ParameterSpec spec = part.slots().get(i).spec();
                        assertEquals(whole.slots().get(i).spec().path(), spec.path());
                        assertArrayEquals(whole.slots().get(i).spec().shape(), spec.wholeShape());
                        float[] all = values(whole, whole.slots().get(i));
                        float[] mine = values(part, part.slots().get(i));
                        for (Run run : spec.runs()) {
                            assertArrayEquals(Arrays.copyOfRange(all, (int) run.whole(),
                                            (int) (run.whole() + run.length())),
                                    Arrays.copyOfRange(mine, (int) run.local(), (int) (run.local() + run.length())));
                        }
                        found.merge(spec.path(), mine.length, Integer::sum);
                    }
                }
                whole.slots().forEach(slot -> assertEquals(slot.spec().elements() * (replicated(slot) ? ranks : 1),
                        found.get(slot.spec().path()).longValue(), slot.spec().path()));
            }
        }
    }

    /** Norms, positions and the biases of what is summed. */
    private static boolean replicated(FlatParameters.Slot slot) {
        return slot.spec().path().matches(".*norm\\..*|.*positions|.*(out|down)\\.bias");
    }

    /** Ranks compute their logits in portions of as many rows: else they would not meet. */
    @Test
    void allRanksKnowTheMostLogitsThatOneHas() {
        try (NDManager manager = NDManager.newBaseManager()) {
            for (int rank = 0; rank < 4; rank++) {
                TensorDivision division = new RankOnly(rank, 4, false);
                ScalarType type = ScalarType.FLOAT32;
                Decoder decoder = new Decoder(manager, LLAMA, type, type,
                        new TorchOps(manager, LLAMA, type, division), List.of(Stage.whole(LLAMA)),
                        division);
                assertEquals(16, decoder.head().mostLogits());
            }
        }
    }

    @Test
    void modelsThatCannotBeDividedAreRefused() {
        fails("tensor parallelism of 3 ranks needs a multiple of 3 as model.heads, found 8.", LLAMA, 3,
                ScalarType.FLOAT32);
        fails("tensor parallelism of 8 ranks needs a multiple of 8 as model.kv_heads, found 4.", LLAMA, 8,
                ScalarType.FLOAT32);
        ModelConfig odd = new ModelConfig(3, 24, 32, 2, 4, 4, 6, LLAMA.norm(), LLAMA.normPlacement(), 1e-5,
                LLAMA.positions(), 10_000, LLAMA.feedForward(), false, true, 0);
        fails("tensor parallelism of 4 ranks needs a multiple of 4 as model.hidden_dim, found 6.", odd, 4,
                ScalarType.FLOAT32);
        ModelConfig few = new ModelConfig(3, 24, 32, 2, 4, 4, 8, LLAMA.norm(), LLAMA.normPlacement(), 1e-5,
                LLAMA.positions(), 10_000, LLAMA.feedForward(), false, true, 0);
        fails("tensor parallelism of 4 ranks divides the vocabulary, which has 3 tokens.", few, 4,
                ScalarType.FLOAT32);
        fails("tensor parallelism sums in float32 or a half type, and this model is kept in float64.", LLAMA, 2,
                ScalarType.FLOAT64);
    }

    private static void fails(String sentence, ModelConfig config, int ranks, ScalarType type) {
        TensorDivision division = new RankOnly(0, ranks, false);
        try (NDManager manager = NDManager.newBaseManager()) {
            UserError error = assertThrows(UserError.class, () -> new Decoder(manager, config, type, type,
                    new TorchOps(manager, config, type, division), List.of(Stage.whole(config)),
                        division));
            assertEquals(sentence, error.getMessage());
            assertEquals(UserError.BAD_INPUT, error.exitCode());
        }
    }
}
