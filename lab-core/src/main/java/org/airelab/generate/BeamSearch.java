package org.airelab.generate;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;
import org.airelab.base.UserError;
import org.airelab.model.InferenceModel;
import org.airelab.nn.KeyValueCache;
import org.airelab.tokenizer.Tokenizer;

/**
 * Searches for the likeliest continuations: keeps the {@code beams} likeliest beginnings, extends each by every token,
 * and keeps the likeliest again. A continuation ends with {@link Tokenizer#END_OF_TEXT} or at the length limit; those
 * that ended are ranked by log probability / length^penalty, as in Hugging Face's library (penalty 0 ranks by
 * probability, 1 by its mean per token). The search stops early only when no beginning can still reach the ranks.
 */
public final class BeamSearch {
    private static final int NO_TOKEN = -1;

    private final InferenceModel model;
    private final int beams;
    private final double lengthPenalty;
    private final int end;

    /**
     * A continuation that has ended.
     *
     * @param tokens         its tokens, without the one that ended it
     * @param logProbability natural logarithm of its probability given the prompt, the ending token included
     * @param score          what it is ranked by
     */
    public record Hypothesis(int[] tokens, double logProbability, double score) {
    }

    /** A beginning: its tokens, their log probability, and the row of the cache that has read all but the last. */
    private record Beam(int row, int[] tokens, double logProbability) {
        Beam extend(int token, double logProbability) {
            int[] longer = Arrays.copyOf(tokens, tokens.length + 1);
            longer[tokens.length] = token;
            return new Beam(row, longer, logProbability);
        }

        int last() {
            return tokens[tokens.length - 1];
        }
    }

    /** A beginning and a token to extend it by. */
    private record Step(Beam beam, int token, double logProbability) {
        /** The less likely one first; of equals the one that comes later in the order of beams and ids. */
        static final Comparator<Step> WORST_FIRST = Comparator.comparingDouble(Step::logProbability)
                .thenComparing(Comparator.comparingInt((Step step) -> step.beam.row).reversed())
                .thenComparing(Comparator.comparingInt(Step::token).reversed());
    }

    /**
     * A search over a model, which the caller closes; a value out of range is bad input.
     *
     * @param beams         beginnings kept, at least 1
     * @param lengthPenalty exponent of the length, at least 0; larger favours longer texts
     */
    public BeamSearch(InferenceModel model, int beams, double lengthPenalty) {
        if (beams < 1) {
            throw UserError.badInput("The number of beams must be at least 1, found " + beams + ".", "Use --beams 4.");
        }
        if (!(lengthPenalty >= 0 && lengthPenalty < Double.POSITIVE_INFINITY)) {
            throw UserError.badInput("The length penalty must be at least 0, found " + lengthPenalty + ".",
                    "Use 0 to rank by probability, 1 to rank by the mean per token.");
        }
        this.model = model;
        this.beams = beams;
        this.lengthPenalty = lengthPenalty;
        this.end = model.tokenizer().specialId(Tokenizer.END_OF_TEXT).orElse(NO_TOKEN);
    }

    /**
     * Searches. The context does not slide: prompt and continuation share it. Of a longer prompt the last tokens
     * count, as many as leave room for {@code maxTokens}, but at least half the context's; the continuation is cut
     * where the context ends.
     *
     * @param prompt    at least one token
     * @param maxTokens most tokens of a continuation
     * @return the best continuations, at most {@code beams}, the best first
     */
    public List<Hypothesis> search(int[] prompt, int maxTokens) {
        if (prompt.length == 0) {
            throw new IllegalArgumentException("expected a prompt of at least one token, found none");
        }
        int context = model.config().contextLength();
        int kept = Math.min(prompt.length, Math.max((int) Math.max(1, context + 1L - maxTokens), (context + 1) / 2));
        int steps = Math.min(maxTokens, context - kept + 1);
        long[] window = Arrays.stream(prompt, prompt.length - kept, prompt.length).asLongStream().toArray();
        return steps < 1 ? List.of() : run(window, steps);
    }

    private List<Hypothesis> run(long[] prompt, int steps) {
        PriorityQueue<Hypothesis> ended = new PriorityQueue<>(Comparator.comparingDouble(Hypothesis::score));
        List<Beam> live = List.of(new Beam(0, new int[0], 0));
        try (KeyValueCache cache = model.cache(1)) {
            float[][] logits = model.next(prompt, cache, 1);
            for (int length = 1; length <= steps; length++) {
                live = extend(live, logits, ended, length == steps);
                if (length == steps || live.isEmpty() || settled(ended, live, steps)) {
                    break;
                }
                cache.reorder(live.stream().mapToLong(Beam::row).toArray());
                long[] last = live.stream().mapToLong(Beam::last).toArray();
                logits = model.next(last, cache, last.length);
                live = numbered(live);
            }
        }
        List<Hypothesis> ranked = new ArrayList<>(ended);
        ranked.sort(Comparator.comparingDouble(Hypothesis::score).reversed());
        return ranked;
    }

    /** The likeliest beginnings one token longer; those that end, all of them in the last step, go to {@code ended}. */
    private List<Beam> extend(List<Beam> live, float[][] logits, PriorityQueue<Hypothesis> ended, boolean last) {
        List<Beam> next = new ArrayList<>();
        // Twice as many as needed: each beam has one way to end, so enough go on (Hugging Face's beam search).
        for (Step step : likeliest(live, logits, 2 * beams)) {
            if (next.size() == beams) {
                break;
            }
            if (step.token == end) {
                offer(ended, step.beam.tokens, step.logProbability, step.beam.tokens.length + 1);
            } else {
                next.add(step.beam.extend(step.token, step.logProbability));
            }
        }
        if (last) {
            next.forEach(beam -> offer(ended, beam.tokens, beam.logProbability, beam.tokens.length));
        }
        return next;
    }

    private List<Step> likeliest(List<Beam> live, float[][] logits, int count) {
        PriorityQueue<Step> best = new PriorityQueue<>(Step.WORST_FIRST);
        for (int row = 0; row < live.size(); row++) {
            double logSum = logSum(logits[row]);
            for (int token = 0; token < logits[row].length; token++) {
                double logProbability = live.get(row).logProbability + (logits[row][token] - logSum);
                if (best.size() < count || logProbability > best.peek().logProbability) {
                    best.add(new Step(live.get(row), token, logProbability));
                    if (best.size() > count) {
                        best.poll();
                    }
                }
            }
        }
        List<Step> sorted = new ArrayList<>(best);
        sorted.sort(Step.WORST_FIRST.reversed());
        return sorted;
    }

    /** log(sum(exp(logits))); the error of {@link Sampler#draw} when they are not finite. */
    private static double logSum(float[] logits) {
        double largest = logits[Sampler.likeliest(logits)];
        double sum = 0;
        for (float logit : logits) {
            sum += Math.exp(logit - largest);
        }
        return largest + Math.log(sum);
    }

    private void offer(PriorityQueue<Hypothesis> ended, int[] tokens, double logProbability, int length) {
        ended.add(new Hypothesis(tokens, logProbability, score(logProbability, length)));
        if (ended.size() > beams) {
            ended.poll();
        }
    }

    private double score(double logProbability, int length) {
        return logProbability / Math.pow(length, lengthPenalty);
    }

    /** Log probabilities only fall, so a beginning scores at best its own at the greatest length. */
    private boolean settled(PriorityQueue<Hypothesis> ended, List<Beam> live, int steps) {
        return ended.size() == beams && ended.peek().score >= score(live.getFirst().logProbability, steps);
    }

    /** The same beams, each in a row of its own. */
    private static List<Beam> numbered(List<Beam> live) {
        List<Beam> numbered = new ArrayList<>();
        for (Beam beam : live) {
            numbered.add(new Beam(numbered.size(), beam.tokens, beam.logProbability));
        }
        return numbered;
    }
}
