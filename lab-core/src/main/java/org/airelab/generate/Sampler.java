package org.airelab.generate;

import java.util.Comparator;
import java.util.PriorityQueue;
import java.util.random.RandomGenerator;
import java.util.stream.DoubleStream;
import java.util.stream.LongStream;
import org.airelab.base.UserError;

/**
 * Draws the next token from logits. The distribution softmax(logits / temperature) is first cut to the {@code topK}
 * likeliest tokens (Fan et al. 2018), then to the nucleus: the fewest likeliest tokens that together have probability
 * {@code topP} of what the first cut left (Holtzman et al. 2020, section 3.1). At least one token always remains. Of
 * equally likely tokens the one with the smaller id counts as likelier.
 *
 * @param temperature above 1 flattens, below 1 sharpens; 0 always takes the likeliest token
 * @param topK        tokens that remain, 0 for all
 * @param topP        probability that remains, above 0 and at most 1
 */
public record Sampler(double temperature, int topK, double topP) {
    /** Always the likeliest token. */
    public static final Sampler GREEDY = new Sampler(0, 0, 1);

    /** Checks the values; one out of range is bad input. */
    public Sampler {
        require(temperature >= 0 && temperature < Double.POSITIVE_INFINITY, "temperature", "at least 0", temperature);
        require(topK >= 0, "top-k", "at least 0 (0 for all tokens)", topK);
        require(topP > 0 && topP <= 1, "top-p", "above 0 and at most 1", topP);
    }

    private static void require(boolean condition, String name, String allowed, Number found) {
        if (!condition) {
            throw UserError.badInput("The " + name + " must be " + allowed + ", found " + found + ".",
                    "Choose a value in this range.");
        }
    }

    /**
     * Draws a token; the same logits and the same state of the generator give the same token.
     *
     * @param logits one per token; minus infinity for a token that must not come
     * @throws UserError (the answer is no) when a logit is NaN or infinitely large, or all are minus infinity
     */
    public int draw(float[] logits, RandomGenerator random) {
        int best = likeliest(logits);
        if (temperature == 0 || topK == 1) {
            return best;
        }
        Candidates candidates = candidates(logits, logits[best]);
        double[] weights = weights(candidates.keys, logits, logits[best]);
        int count = topP < 1 ? nucleus(weights, topP * candidates.mass) : weights.length;
        return id(candidates.keys[drawIndex(weights, count, random)]);
    }

    /**
     * Tokens among which the draw is made, by falling likelihood when a cut is to follow.
     *
     * @param mass the weights of all that the first cut left; the nucleus is a part of that
     */
    private record Candidates(long[] keys, double mass) {
    }

    /** The position of the largest logit, the first of several. */
    static int likeliest(float[] logits) {
        int best = 0;
        for (int i = 0; i < logits.length; i++) {
            if (Float.isNaN(logits[i])) {
                throw notFinite(Float.NaN, i);
            }
            if (logits[i] > logits[best]) {
                best = i;
            }
        }
        if (Float.isInfinite(logits[best])) {
            throw notFinite(logits[best], best);
        }
        return best;
    }

    private static UserError notFinite(float value, int token) {
        return UserError.failed("The model's logit of token " + token + " is " + value + ", not a finite number.",
                "Its weights have diverged; use an earlier checkpoint.");
    }

    private double weight(float logit, float largest) {
        return Math.exp(((double) logit - largest) / temperature);
    }

    private double[] weights(long[] keys, float[] logits, float largest) {
        return LongStream.of(keys).mapToDouble(key -> weight(logits[id(key)], largest)).toArray();
    }

    private Candidates candidates(float[] logits, float largest) {
        if (topK > 0 && topK < logits.length) {
            long[] keys = mostLikely(logits, topK);
            return new Candidates(keys, DoubleStream.of(weights(keys, logits, largest)).sum());
        }
        double mass = 0;
        for (float logit : logits) {
            mass += weight(logit, largest);
        }
        LongStream ids = LongStream.range(0, logits.length);
        if (topP == 1) {
            return new Candidates(ids.map(i -> key(logits[(int) i], (int) i)).toArray(), mass);
        }
        // Tokens with probability below (1 - topP) / n have less than 1 - topP together, so none is in the nucleus;
        // leaving them out spares sorting the whole vocabulary.
        double cutoff = (1 - topP) / logits.length * mass;
        return new Candidates(ids.filter(i -> weight(logits[(int) i], largest) >= cutoff)
                .map(i -> key(logits[(int) i], (int) i)).sorted().toArray(), mass);
    }

    private static long[] mostLikely(float[] logits, int count) {
        PriorityQueue<Long> kept = new PriorityQueue<>(Comparator.reverseOrder());
        for (int i = 0; i < logits.length; i++) {
            long key = key(logits[i], i);
            if (kept.size() < count) {
                kept.add(key);
            } else if (key < kept.peek()) {
                kept.poll();
                kept.add(key);
            }
        }
        return kept.stream().mapToLong(Long::longValue).sorted().toArray();
    }

    private static int nucleus(double[] weights, double needed) {
        double sum = 0;
        for (int i = 0; i < weights.length; i++) {
            sum += weights[i];
            if (sum >= needed) {
                return i + 1;
            }
        }
        return weights.length;
    }

    private static int drawIndex(double[] weights, int count, RandomGenerator random) {
        double sum = 0;
        for (int i = 0; i < count; i++) {
            sum += weights[i];
        }
        double left = random.nextDouble() * sum;
        int last = 0;
        for (int i = 0; i < count; i++) {
            if (weights[i] > 0) {
                last = i;
                left -= weights[i];
                if (left < 0) {
                    break;
                }
            }
        }
        return last;
    }

    /** Ascending keys are falling logits, then rising ids. */
    private static long key(float logit, int id) {
        int bits = Float.floatToIntBits(logit + 0f);
        int ordered = bits ^ bits >> 31 & Integer.MAX_VALUE;
        return (long) ~ordered << 32 | id;
    }

    private static int id(long key) {
        return (int) key;
    }
}
