package org.airelab.data.story;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * One walk through a grammar from left to right. A {@link Guide} makes the choices and takes the words: drawing a story
 * and finding the derivation of a given one are the same walk with different guides.
 */
final class Derivation {
    /** Decides a derivation. */
    interface Guide {
        /** The index of the alternative to follow. */
        int choose(Rule rule);

        /** Takes the next word of the story. */
        void word(String word);
    }

    private final Map<String, Rule> rules;
    private final Guide guide;
    private final Map<String, List<String>> memory = new HashMap<>();
    /** The words of the slots being bound; each word belongs to all of them. */
    private final List<List<String>> open = new ArrayList<>();

    Derivation(Map<String, Rule> rules, Guide guide) {
        this.rules = rules;
        this.guide = guide;
    }

    void expand(String ruleName) {
        Rule rule = rules.get(ruleName);
        rule.alternatives().get(guide.choose(rule)).symbols().forEach(this::expand);
    }

    private void expand(Symbol symbol) {
        switch (symbol) {
            case Symbol.Word(String text) -> write(text);
            case Symbol.Call(String rule) -> expand(rule);
            case Symbol.Bind(String slot, String rule) -> {
                List<String> words = new ArrayList<>();
                open.add(words);
                expand(rule);
                open.removeLast();
                memory.put(slot, words);
            }
            case Symbol.Assign(String slot, List<String> words) -> memory.put(slot, words);
            case Symbol.Recall(String slot) -> memory.get(slot).forEach(this::write);
            case Symbol.CallRemembered(String slot) -> expand(memory.get(slot).getFirst());
        }
    }

    private void write(String word) {
        open.forEach(words -> words.add(word));
        guide.word(word);
    }
}
