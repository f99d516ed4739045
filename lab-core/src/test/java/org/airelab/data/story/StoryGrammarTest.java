package org.airelab.data.story;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class StoryGrammarTest {
    /** Rules chosen by memory, a remembered name of two words, unequal weights, a rule used twice. */
    private static final String SMALL = """
            # a comment
            story = a <pet> named <name:name> <act>, so $name <act>.
                "<$place-rule>!" said $name 's friend.
            pet = 3: dog {place-rule=land} | duck {place-rule=water}
            name = 2: Spot | Big Ben
            land = 4: park | farm | 5: street
            water = lake
            act = ran | 2: sat
            """;

    /** Every story of the small grammar with its probability, written out by hand. */
    private static Map<String, Double> enumerate() {
        Map<String, Double> stories = new LinkedHashMap<>();
        Map<String, Double> names = Map.of("Spot", 2 / 3.0, "Big Ben", 1 / 3.0);
        Map<String, Double> acts = Map.of("ran", 1 / 3.0, "sat", 2 / 3.0);
        Map<String, Map<String, Double>> places = Map.of(
                "a dog", Map.of("park", 0.75 * 0.4, "farm", 0.75 * 0.1, "street", 0.75 * 0.5),
                "a duck", Map.of("lake", 0.25));
        places.forEach((pet, whereabouts) -> whereabouts.forEach((place, p) -> names.forEach((name, q) ->
                acts.forEach((first, r) -> acts.forEach((second, s) -> stories.put(pet + " named " + name + " " + first
                        + ", so " + name + " " + second + ". \"" + place + "!\" said " + name + "'s friend.",
                        p * q * r * s))))));
        return stories;
    }

    @Test
    void entropyAndProbabilitiesEqualThoseOfAllStoriesWrittenOut() {
        var grammar = new StoryGrammar(SMALL);
        Map<String, Double> stories = enumerate();
        assertEquals(32, stories.size());
        double entropy = 0;
        for (Map.Entry<String, Double> story : stories.entrySet()) {
            assertEquals(Math.log(story.getValue()), grammar.logProbability(story.getKey()), 1e-12, story.getKey());
            entropy -= story.getValue() * Math.log(story.getValue());
        }
        assertEquals(entropy, grammar.entropy(), 1e-12);
    }

    @Test
    void storiesComeWithTheirProbabilities() {
        var grammar = new StoryGrammar(SMALL);
        int draws = 50_000;
        Map<String, Integer> counts = new HashMap<>();
        for (int i = 0; i < draws; i++) {
            counts.merge(grammar.story(3, i), 1, Integer::sum);
        }
        Map<String, Double> expected = enumerate();
        double chiSquare = 0;
        for (Map.Entry<String, Double> story : expected.entrySet()) {
            double mean = draws * story.getValue();
            double difference = counts.getOrDefault(story.getKey(), 0) - mean;
            chiSquare += difference * difference / mean;
        }
        assertEquals(expected.keySet(), counts.keySet());
        // The 99.99% quantile of chi-square with 31 degrees of freedom is 68.8.
        assertTrue(chiSquare < 68.8, "chi-square " + chiSquare);
    }

    @Test
    void builtInEntropyEqualsTheMeanSurprisalOfManyStories() {
        StoryGrammar grammar = StoryGrammar.builtIn();
        int n = 20_000;
        double sum = 0;
        double squares = 0;
        for (int i = 0; i < n; i++) {
            double surprisal = -grammar.logProbability(grammar.story(11, i));
            assertTrue(Double.isFinite(surprisal), grammar.story(11, i));
            sum += surprisal;
            squares += surprisal * surprisal;
        }
        double mean = sum / n;
        double standardError = Math.sqrt((squares / n - mean * mean) / n);
        assertTrue(standardError < 0.1, "standard error " + standardError);
        assertEquals(mean, grammar.entropy(), 4 * standardError);
    }

    @Test
    void builtInStoriesAreShortAndOfFewWords() {
        StoryGrammar grammar = StoryGrammar.builtIn();
        Set<String> vocabulary = new HashSet<>();
        Set<String> stories = new HashSet<>();
        for (int i = 0; i < 5_000; i++) {
            String story = grammar.story(0, i);
            String[] words = story.split("[ .,!?\"]+");
            assertTrue(words.length >= 60 && words.length <= 120, words.length + " words: " + story);
            vocabulary.addAll(List.of(words));
            stories.add(story);
        }
        assertTrue(vocabulary.size() > 150 && vocabulary.size() < 320, vocabulary.size() + " words");
        assertEquals(5_000, stories.size());
    }

    @Test
    void aStoryIsAFunctionOfSeedAndIndexOnEveryMachine() {
        StoryGrammar grammar = StoryGrammar.builtIn();
        assertEquals(GOLDEN, grammar.story(0, 0));
        assertNotEquals(grammar.story(0, 0), grammar.story(1, 0));
        assertNotEquals(grammar.story(0, 0), grammar.story(0, 1));
        assertTrue(Double.isFinite(grammar.logProbability(grammar.story(Long.MIN_VALUE, Long.MAX_VALUE))));
    }

    private static final String GOLDEN = ""
            + "Once upon a time, there was a happy boy named Max. He had a small white cat named Pip. After dinner,"
            + " they went to the park with Mom. Max found a big pink doll behind a slide. But the doll fell into "
            + "the water. Max was upset. A tall mouse named Momo saw him and said, \"I can reach it.\" Momo walked "
            + "in and pulled the doll back. \"Meow!\" said Pip. He laughed and thanked Momo. Pip learned to share.";

    @Test
    void whatTheGrammarCannotWriteHasProbabilityZero() {
        StoryGrammar grammar = StoryGrammar.builtIn();
        String story = grammar.story(5, 0);
        String shorter = story.substring(0, story.lastIndexOf(' '));
        for (String other : new String[] {"", "Hello", story + " The", story + " ", shorter, " " + story,
            story.replaceFirst(" ", "  "), story.replaceFirst("\\.", ",")}) {
            assertEquals(Double.NEGATIVE_INFINITY, grammar.logProbability(other), other);
        }
    }

    /** A story that recalls another name than it chose: every word fits the grammar, only the memory is wrong. */
    @Test
    void aWrongMemoryHasProbabilityZero() {
        var grammar = new StoryGrammar("story = <name:name> met $name .\nname = Tom | Ann");
        assertEquals(Math.log(0.5), grammar.logProbability("Tom met Tom."), 1e-15);
        assertEquals(Double.NEGATIVE_INFINITY, grammar.logProbability("Tom met Ann."));
    }

    @ParameterizedTest
    @CsvSource(delimiter = ';', value = {
        "a = b | c | b d;                                 two alternatives of rule a begin with \"b\"",
        "a = <b> | x\\nb = y | x z;                       two alternatives of rule a begin with \"x\"",
        "a = <s:b> <c>\\nb = x | y\\nc = $s | y;          two alternatives of rule c begin with",
        "a = {r=b} <c>\\nb = x\\nc = <$r> z | x;          two alternatives of rule c begin with \"x\"",
        "a = {r=b} x | {r=c} x\\nb = x\\nc = y;           two alternatives of rule a begin with \"x\"",
        "a = x |;                                         an alternative of rule a writes no word",
        "a = x | {s=y};                                   an alternative of rule a writes no word",
        "a = x <b>\\nb = y <a>;                           rule a contains itself",
        "a = <b>;                                         there is no rule b",
        "a = x $s;                                        rule a recalls $s before it is surely set",
        "a = <b> $s\\nb = x {s=y} | z;                    rule a recalls $s before it is surely set",
        "a = <s:b> <$s>\\nb = c\\nc = d;                  needs a slot that is only assigned",
        "a = x\\na = y;                                   rule a is given twice",
        "no rule;                                         expected a rule",
        "'';                                              expected at least one rule"})
    void grammarsWithoutUniqueDerivationsAreRefused(String grammar, String message) {
        var refused = assertThrows(IllegalArgumentException.class,
                () -> new StoryGrammar(grammar.replace("\\n", "\n")));
        assertTrue(refused.getMessage().contains(message), refused.getMessage());
    }
}
