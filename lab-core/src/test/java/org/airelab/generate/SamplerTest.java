package org.airelab.generate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.airelab.base.UserError;
import org.junit.jupiter.api.Test;

class SamplerTest {
    private static final float NEVER = Float.NEGATIVE_INFINITY;

    private static float[] logits(int size, long seed) {
        Random random = new Random(seed);
        float[] logits = new float[size];
        for (int i = 0; i < size; i++) {
            // Few distinct values, so that there are ties.
            logits[i] = Math.round(random.nextGaussian() * 4) / 2f;
        }
        return logits;
    }

    /** The definition, step by step: probability of each token. */
    private static double[] reference(float[] logits, Sampler sampler) {
        List<Integer> ranked = IntStream.range(0, logits.length).boxed()
                .sorted(Comparator.comparingDouble((Integer i) -> -logits[i]).thenComparing(i -> i)).toList();
        double[] weights = IntStream.range(0, logits.length)
                .mapToDouble(i -> Math.exp((logits[i] - logits[ranked.getFirst()]) / sampler.temperature())).toArray();
        int kept = sampler.topK() == 0 ? logits.length : Math.min(sampler.topK(), logits.length);
        double mass = ranked.subList(0, kept).stream().mapToDouble(i -> weights[i]).sum();
        double[] probabilities = new double[logits.length];
        double sum = 0;
        for (int i = 0; i < kept && (i == 0 || sum < sampler.topP() * mass * (1 - 1e-12)); i++) {
            probabilities[ranked.get(i)] = weights[ranked.get(i)];
            sum += weights[ranked.get(i)];
        }
        for (int i = 0; i < logits.length; i++) {
            probabilities[i] /= sum;
        }
        return probabilities;
    }

    @Test
    void frequenciesAreTheProbabilitiesOfTheDefinition() {
        int draws = 10_000;
        for (Sampler sampler : List.of(new Sampler(1, 0, 1), new Sampler(0.7, 0, 1), new Sampler(2, 5, 1),
                new Sampler(1, 0, 0.8), new Sampler(1.3, 0, 0.3), new Sampler(1, 8, 0.75),
                new Sampler(0.5, 100, 0.999))) {
            for (int size : new int[] {1, 2, 17, 40}) {
                float[] logits = logits(size, size);
                double[] expected = reference(logits, sampler);
                int[] counts = new int[size];
                SplittableRandom random = new SplittableRandom(9);
                for (int i = 0; i < draws; i++) {
                    counts[sampler.draw(logits, random)]++;
                }
                for (int i = 0; i < size; i++) {
                    double deviation = Math.sqrt(draws * expected[i] * (1 - expected[i])) + 1e-9;
                    assertTrue(Math.abs(counts[i] - draws * expected[i]) <= 5 * deviation,
                            sampler + " token " + i + " of " + size + ": " + counts[i] + " of "
                            + draws * expected[i]);
                }
            }
        }
    }

    @Test
    void aLargeVocabularyIsCutToTheNucleusOfTheDefinition() {
        float[] logits = new float[50_257];
        Random random = new Random(4);
        for (int i = 0; i < logits.length; i++) {
            logits[i] = (float) (random.nextGaussian() * 3);
        }
        for (Sampler sampler : List.of(new Sampler(1, 0, 0.5), new Sampler(0.5, 0, 0.9), new Sampler(1, 40, 0.9))) {
            double[] expected = reference(logits, sampler);
            boolean[] seen = new boolean[logits.length];
            SplittableRandom draws = new SplittableRandom(3);
            for (int i = 0; i < 100; i++) {
                int token = sampler.draw(logits, draws);
                assertTrue(expected[token] > 0, sampler + " drew " + token);
                seen[token] = true;
            }
            assertTrue(IntStream.range(0, seen.length).filter(i -> seen[i]).count() > 10, "many tokens are drawn");
        }
    }

    @Test
    void theLikeliestIsTakenWhereNothingElseRemains() {
        float[] logits = {-1, 3, 2.9f, 3, NEVER};
        for (Sampler sampler : List.of(Sampler.GREEDY, new Sampler(0, 3, 0.9), new Sampler(1, 1, 1),
                new Sampler(1, 0, 1e-300), new Sampler(1e-300, 1, 1))) {
            for (int seed = 0; seed < 20; seed++) {
                assertEquals(1, sampler.draw(logits, new SplittableRandom(seed)), sampler + ": the first of two equal");
            }
        }
        float[] clear = {-1, 2, 3};
        assertEquals(2, new Sampler(1e-300, 0, 1).draw(clear, new SplittableRandom(1)), "no overflow");
    }

    @Test
    void tokensThatMustNotComeDoNot() {
        float[] logits = {NEVER, 0, NEVER, -50, NEVER};
        for (Sampler sampler : List.of(new Sampler(1e300, 0, 1), new Sampler(1e300, 4, 1),
                new Sampler(1e300, 0, 0.999999))) {
            SplittableRandom random = new SplittableRandom(5);
            for (int i = 0; i < 200; i++) {
                int token = sampler.draw(logits, random);
                assertTrue(token == 1 || token == 3, sampler + " drew " + token);
            }
        }
        assertEquals(0, new Sampler(1, 0, 1).draw(new float[] {-3e38f}, new SplittableRandom(1)));
    }

    @Test
    void theSeedDecides() {
        float[] logits = logits(300, 8);
        Sampler sampler = new Sampler(1, 50, 0.9);
        int[][] runs = new int[3][];
        long[] seeds = {1, 1, 2};
        for (int i = 0; i < 3; i++) {
            SplittableRandom random = new SplittableRandom(seeds[i]);
            runs[i] = IntStream.range(0, 50).map(j -> sampler.draw(logits, random)).toArray();
        }
        assertTrue(java.util.Arrays.equals(runs[0], runs[1]));
        assertTrue(!java.util.Arrays.equals(runs[0], runs[2]));
    }

    @Test
    void brokenLogitsAreSaid() {
        for (float[] logits : List.of(new float[] {1, Float.NaN}, new float[] {Float.NaN, 1},
                new float[] {1, Float.POSITIVE_INFINITY}, new float[] {NEVER, NEVER})) {
            UserError error = assertThrows(UserError.class, () -> Sampler.GREEDY.draw(logits, new SplittableRandom(1)));
            assertEquals(UserError.FAILED, error.exitCode());
        }
    }

    @Test
    void valuesOutOfRangeAreRefused() {
        assertRefused("temperature", () -> new Sampler(-0.1, 0, 1));
        assertRefused("temperature", () -> new Sampler(Double.NaN, 0, 1));
        assertRefused("temperature", () -> new Sampler(Double.POSITIVE_INFINITY, 0, 1));
        assertRefused("top-k", () -> new Sampler(1, -1, 1));
        assertRefused("top-p", () -> new Sampler(1, 0, 0));
        assertRefused("top-p", () -> new Sampler(1, 0, 1.01));
        assertRefused("top-p", () -> new Sampler(1, 0, Double.NaN));
    }

    private static void assertRefused(String name, Runnable made) {
        UserError error = assertThrows(UserError.class, made::run);
        assertEquals(UserError.BAD_INPUT, error.exitCode());
        assertTrue(error.getMessage().contains(name), error.getMessage());
    }
}
