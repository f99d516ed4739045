package org.airelab.data.story;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.airelab.base.Hashes;
import org.airelab.base.SplitMix64;

/**
 * A probabilistic grammar of short stories in which later sentences repeat what earlier ones chose. Every story has
 * exactly one derivation (checked when the grammar is read, see {@link GrammarCheck}), so the probability of a story is
 * the product of its choices, and the entropy of the stories is known exactly: no model's expected loss can be lower.
 *
 * <p>The notation, a rule a line: {@code pet = 2: dog {sound=Woof} | cat {sound=Meow}}. {@code <rule>} expands a rule,
 * {@code <slot:rule>} also remembers the words, {@code {slot=words}} remembers silently, {@code $slot} repeats what was
 * remembered, {@code <$slot>} expands the rule whose name was remembered, {@code 2:} is a weight (1 where not given).
 * The first rule is the story.
 */
public final class StoryGrammar {
    private final Map<String, Rule> rules;
    private final String start;
    private final Map<String, Map<String, Integer>> choices;
    private final double entropy;
    private final String hash;

    /**
     * Reads a grammar.
     *
     * @throws IllegalArgumentException if the text is no grammar, or one in which a story could have two derivations
     */
    public StoryGrammar(String text) {
        rules = GrammarReader.read(text);
        if (rules.isEmpty()) {
            throw new IllegalArgumentException("expected at least one rule, found none");
        }
        start = rules.keySet().iterator().next();
        choices = GrammarCheck.choices(rules, start);
        entropy = GrammarEntropy.of(rules, start);
        hash = Hashes.sha256(text.getBytes(StandardCharsets.UTF_8));
    }

    /** The grammar behind the data specification {@code synthetic}. */
    public static StoryGrammar builtIn() {
        return BuiltIn.GRAMMAR;
    }

    /** Read on first use. */
    private static final class BuiltIn {
        private static final StoryGrammar GRAMMAR = read();

        private static StoryGrammar read() {
            try (InputStream in = StoryGrammar.class.getResourceAsStream("stories.grammar")) {
                return new StoryGrammar(new String(in.readAllBytes(), StandardCharsets.UTF_8));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    /** The exact expected surprisal of a story, {@code -sum p ln p} over all stories, in nats. */
    public double entropy() {
        return entropy;
    }

    /** SHA-256 of the grammar's text. */
    public String hash() {
        return hash;
    }

    /** Story {@code index} of an endless sequence: a function of its arguments alone. */
    public String story(long seed, long index) {
        SplitMix64 random = SplitMix64.of(seed, index);
        List<String> words = new ArrayList<>();
        new Derivation(rules, new Derivation.Guide() {
            @Override
            public int choose(Rule rule) {
                return draw(rule, random.nextDouble());
            }

            @Override
            public void word(String word) {
                words.add(word);
            }
        }).expand(start);
        return Words.join(words);
    }

    private static int draw(Rule rule, double uniform) {
        int last = rule.alternatives().size() - 1;
        for (int i = 0; i < last; i++) {
            uniform -= rule.alternatives().get(i).probability();
            if (uniform < 0) {
                return i;
            }
        }
        return last;
    }

    /** The exact natural logarithm of a story's probability; negative infinity for a text the grammar cannot write. */
    public double logProbability(String story) {
        List<String> words = Words.split(story);
        if (!Words.join(words).equals(story)) {
            return Double.NEGATIVE_INFINITY;
        }
        Scorer scorer = new Scorer(words);
        try {
            new Derivation(rules, scorer).expand(start);
        } catch (NoDerivation e) {
            return Double.NEGATIVE_INFINITY;
        }
        return scorer.next == words.size() ? scorer.logProbability : Double.NEGATIVE_INFINITY;
    }

    /** Follows a given story: its next word decides each choice. */
    private final class Scorer implements Derivation.Guide {
        private final List<String> words;
        private int next;
        private double logProbability;

        private Scorer(List<String> words) {
            this.words = words;
        }

        @Override
        public int choose(Rule rule) {
            Integer choice = next < words.size() ? choices.get(rule.name()).get(words.get(next)) : null;
            if (choice == null) {
                throw new NoDerivation();
            }
            logProbability += Math.log(rule.alternatives().get(choice).probability());
            return choice;
        }

        @Override
        public void word(String word) {
            if (next == words.size() || !words.get(next++).equals(word)) {
                throw new NoDerivation();
            }
        }
    }

    /** The text is no story of the grammar. */
    private static final class NoDerivation extends RuntimeException {
        private static final long serialVersionUID = 1L;

        private NoDerivation() {
            super(null, null, false, false);
        }
    }
}
