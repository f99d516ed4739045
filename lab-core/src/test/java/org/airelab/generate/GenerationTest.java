package org.airelab.generate;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.ndarray.NDManager;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.airelab.base.UserError;
import org.airelab.model.InferenceModel;
import org.airelab.model.TestRuns;
import org.airelab.nn.ModelConfig.Positions;
import org.airelab.tokenizer.Tokenizer;
import org.airelab.torch.Autograd;
import org.airelab.torch.NativeArrays;
import org.airelab.torch.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Generator and beam search against the model computed over whole sequences, without a cache. */
class GenerationTest {
    private static final int CONTEXT = 11;
    private static final int VOCABULARY = 258;
    private static final int[] PROMPT = {7, 130, 42};

    @TempDir
    private Path folder;
    private InferenceModel model;
    private int end;

    @BeforeEach
    void load() {
        Tokenizer tokenizer = TestRuns.tokenizer(VOCABULARY);
        TestRuns.write(folder, TestRuns.llama(VOCABULARY + 6, CONTEXT, Positions.ROPE_HALF), tokenizer, 5);
        model = TestRuns.load(folder);
        end = tokenizer.specialId(Tokenizer.END_OF_TEXT).orElseThrow();
    }

    @AfterEach
    void close() {
        model.close();
    }

    /** Log probabilities of the token after the last. */
    private double[] reference(int[] tokens) {
        return references(List.of(tokens)).getFirst();
    }

    /** {@link #reference} of several texts of one length. */
    private List<double[]> references(List<int[]> texts) {
        float[] logits;
        try (NDManager scope = model.manager().newSubManager(); Autograd.Mode off = Autograd.notRecording()) {
            long[] ids = texts.stream().flatMapToInt(Arrays::stream).asLongStream().toArray();
            logits = NativeArrays.floats(model.logits(model.hidden(scope, ids, texts.size())));
        }
        int width = model.config().vocabSize();
        int time = texts.getFirst().length;
        List<double[]> rows = new ArrayList<>();
        for (int i = 0; i < texts.size(); i++) {
            int start = (i * time + time - 1) * width;
            rows.add(logProbabilities(Arrays.copyOfRange(logits, start, start + VOCABULARY)));
        }
        return rows;
    }

    private static double[] logProbabilities(float[] logits) {
        double sum = 0;
        for (float logit : logits) {
            sum += Math.exp(logit);
        }
        double[] logProbabilities = new double[logits.length];
        for (int i = 0; i < logits.length; i++) {
            logProbabilities[i] = logits[i] - Math.log(sum);
        }
        return logProbabilities;
    }

    private static int likeliest(double[] values) {
        int best = 0;
        for (int i = 0; i < values.length; i++) {
            best = values[i] > values[best] ? i : best;
        }
        return best;
    }

    private static int[] plus(int[] tokens, int... more) {
        int[] longer = Arrays.copyOf(tokens, tokens.length + more.length);
        System.arraycopy(more, 0, longer, tokens.length, more.length);
        return longer;
    }

    private List<Integer> generate(int[] prompt, int maxTokens, Sampler sampler, long seed) {
        List<Integer> tokens = new ArrayList<>();
        Generator.Summary summary = new Generator(model).generate(prompt, maxTokens, sampler,
                new SplittableRandom(seed), tokens::add);
        assertEquals(tokens.size(), summary.tokens());
        assertEquals(tokens.size() < maxTokens, summary.ended());
        return tokens;
    }

    @Test
    void greedyTextFollowsTheModelAlsoBeyondTheContext() {
        long live = Tensor.live();
        List<Integer> found = generate(PROMPT, 30, Sampler.GREEDY, 0);
        assertEquals(live, Tensor.live());
        assertTrue(found.size() > 2 * CONTEXT, "found " + found.size());
        int[] window = PROMPT;
        for (int token : found) {
            assertEquals(likeliest(reference(window)), token);
            // A full context forgets its older half.
            int[] kept = window.length < CONTEXT ? window
                    : Arrays.copyOfRange(window, CONTEXT - (CONTEXT - 1) / 2, CONTEXT);
            window = plus(kept, token);
        }
    }

    @Test
    void onlyTheLastTokensOfALongPromptCount() {
        int[] longer = new int[30];
        Arrays.setAll(longer, i -> i * 7 % 250);
        int[] last = Arrays.copyOfRange(longer, 30 - CONTEXT, 30);
        Sampler sampler = new Sampler(1, 20, 0.9);
        assertEquals(generate(last, 20, sampler, 4), generate(longer, 20, sampler, 4));
    }

    @Test
    void theSeedDecidesAndNothingIsAlsoAnAnswer() {
        Sampler sampler = new Sampler(1, 0, 1);
        assertEquals(generate(PROMPT, 30, sampler, 1), generate(PROMPT, 30, sampler, 1));
        assertFalse(generate(PROMPT, 30, sampler, 1).equals(generate(PROMPT, 30, sampler, 2)));
        assertEquals(List.of(), generate(PROMPT, 0, sampler, 1));
        assertThrows(IllegalArgumentException.class, () -> generate(new int[0], 5, sampler, 1));
    }

    @Test
    void theEndOfTheTextEndsTheGenerationAndIsNotHandedOut() {
        List<Integer> tokens = new ArrayList<>();
        Generator.Summary summary = new Generator(model).generate(PROMPT, 100_000, new Sampler(1, 0, 1),
                new SplittableRandom(22), tokens::add);
        assertTrue(summary.ended(), "one token in 258 or so is the end");
        assertFalse(tokens.contains(end));
    }

    /** Every continuation of one or two tokens. */
    private List<BeamSearch.Hypothesis> allOfTwo(double penalty) {
        List<BeamSearch.Hypothesis> all = new ArrayList<>();
        double[] first = reference(PROMPT);
        all.add(new BeamSearch.Hypothesis(new int[0], first[end], first[end]));
        List<double[]> seconds = references(IntStream.range(0, VOCABULARY).mapToObj(a -> plus(PROMPT, a)).toList());
        for (int a = 0; a < VOCABULARY; a++) {
            if (a != end) {
                double[] second = seconds.get(a);
                for (int b = 0; b < VOCABULARY; b++) {
                    double sum = first[a] + second[b];
                    all.add(new BeamSearch.Hypothesis(b == end ? new int[] {a} : new int[] {a, b}, sum,
                            sum / Math.pow(2, penalty)));
                }
            }
        }
        all.sort(Comparator.comparingDouble(BeamSearch.Hypothesis::score).reversed());
        return all;
    }

    @Test
    void withBeamsForAllBeginningsTheSearchIsExact() {
        for (double penalty : new double[] {0, 2}) {
            List<BeamSearch.Hypothesis> expected = allOfTwo(penalty);
            List<BeamSearch.Hypothesis> found = new BeamSearch(model, VOCABULARY, penalty).search(PROMPT, 2);
            assertEquals(VOCABULARY, found.size());
            for (int i = 0; i < found.size(); i++) {
                assertEquals(expected.get(i).score(), found.get(i).score(), 1e-5, "rank " + i);
                assertEquals(expected.get(i).logProbability(), found.get(i).logProbability(), 1e-5, "rank " + i);
            }
            assertArrayEquals(expected.getFirst().tokens(), found.getFirst().tokens());
        }
    }

    @Test
    void theCacheFollowsTheBeams() {
        long live = Tensor.live();
        List<BeamSearch.Hypothesis> found = new BeamSearch(model, 5, 1).search(PROMPT, CONTEXT - 2);
        assertEquals(live, Tensor.live());
        assertEquals(5, found.size());
        for (BeamSearch.Hypothesis hypothesis : found) {
            int[] text = PROMPT;
            double sum = 0;
            for (int token : hypothesis.tokens()) {
                sum += reference(text)[token];
                text = plus(text, token);
            }
            boolean ended = hypothesis.tokens().length < CONTEXT - 2;
            sum += ended ? reference(text)[end] : 0;
            assertEquals(sum, hypothesis.logProbability(), 1e-4);
            assertEquals(sum / (hypothesis.tokens().length + (ended ? 1 : 0)), hypothesis.score(), 1e-4);
        }
        assertTrue(found.get(0).score() >= found.get(4).score());
    }

    @Test
    void oneBeamIsGreedyUntilTheContextEnds() {
        List<Integer> greedy = generate(PROMPT, CONTEXT - PROMPT.length + 1, Sampler.GREEDY, 0);
        List<BeamSearch.Hypothesis> found = new BeamSearch(model, 1, 0).search(PROMPT, CONTEXT - PROMPT.length + 1);
        assertEquals(greedy, Arrays.stream(found.getFirst().tokens()).boxed().toList());
        int[] longer = new int[30];
        Arrays.setAll(longer, i -> i * 7 % 250);
        int half = (CONTEXT + 1) / 2;
        assertEquals(CONTEXT - half + 1, new BeamSearch(model, 2, 1).search(longer, 100).getFirst().tokens().length);
        assertEquals(3, new BeamSearch(model, 2, 1).search(longer, 3).getFirst().tokens().length);
        assertEquals(List.of(), new BeamSearch(model, 2, 1).search(PROMPT, 0));
    }

    @Test
    void aSearchWithoutSenseIsRefused() {
        assertThrows(UserError.class, () -> new BeamSearch(model, 0, 1));
        assertThrows(UserError.class, () -> new BeamSearch(model, 2, -1));
        assertThrows(UserError.class, () -> new BeamSearch(model, 2, Double.NaN));
        assertThrows(IllegalArgumentException.class, () -> new BeamSearch(model, 2, 1).search(new int[0], 3));
    }
}
