package org.airelab.data.story;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.airelab.data.story.Rule.Alternative;

/**
 * Proves of a grammar that each of its stories has exactly one derivation: every alternative writes at least one word,
 * and no word begins two alternatives of a rule (the grammar is LL(1) without empty alternatives), so the next word of
 * a story decides every choice. Also refuses recursion, unknown names, and a slot recalled before it is surely set.
 */
final class GrammarCheck {
    private final Map<String, Rule> rules;
    /** The first words a slot may take by assignment, and the rules that may be bound to it. */
    private final Map<String, Set<String>> assigned = new HashMap<>();
    private final Map<String, Set<String>> bound = new HashMap<>();
    private final Deque<String> path = new ArrayDeque<>();

    private GrammarCheck(Map<String, Rule> rules) {
        this.rules = rules;
        symbols().forEach(symbol -> {
            switch (symbol) {
                case Symbol.Assign(String slot, List<String> words) ->
                        assigned.computeIfAbsent(slot, s -> new TreeSet<>()).add(words.getFirst());
                case Symbol.Bind(String slot, String rule) ->
                        bound.computeIfAbsent(slot, s -> new TreeSet<>()).add(rule);
                default -> { }
            }
        });
    }

    /**
     * For each rule, which alternative a word begins.
     *
     * @throws IllegalArgumentException naming the rule that breaks a condition
     */
    static Map<String, Map<String, Integer>> choices(Map<String, Rule> rules, String start) {
        GrammarCheck check = new GrammarCheck(rules);
        check.assignedAfter(start, new HashSet<>());
        Map<String, Map<String, Integer>> choices = new HashMap<>();
        for (Rule rule : rules.values()) {
            choices.put(rule.name(), check.choices(rule));
        }
        return choices;
    }

    private Map<String, Integer> choices(Rule rule) {
        Map<String, Integer> choice = new LinkedHashMap<>();
        for (int i = 0; i < rule.alternatives().size(); i++) {
            for (String word : first(rule, rule.alternatives().get(i))) {
                if (choice.put(word, i) != null) {
                    throw new IllegalArgumentException(
                            "two alternatives of rule " + rule.name() + " begin with \"" + word + "\"");
                }
            }
        }
        return choice;
    }

    private Set<String> first(String ruleName) {
        Set<String> words = new TreeSet<>();
        Rule rule = rule(ruleName);
        rule.alternatives().forEach(alternative -> words.addAll(first(rule, alternative)));
        return words;
    }

    /** The words with which an alternative can begin. */
    private Set<String> first(Rule rule, Alternative alternative) {
        for (Symbol symbol : alternative.symbols()) {
            switch (symbol) {
                case Symbol.Assign _ -> { }
                case Symbol.Word(String text) -> {
                    return Set.of(text);
                }
                case Symbol.Call(String called) -> {
                    return first(called);
                }
                case Symbol.Bind(String _, String called) -> {
                    return first(called);
                }
                case Symbol.Recall(String slot) -> {
                    Set<String> words = new TreeSet<>();
                    words.addAll(assigned.getOrDefault(slot, Set.of()));
                    bound.getOrDefault(slot, Set.of()).forEach(called -> words.addAll(first(called)));
                    return words;
                }
                case Symbol.CallRemembered(String slot) -> {
                    Set<String> words = new TreeSet<>();
                    assigned.get(slot).forEach(called -> words.addAll(first(called)));
                    return words;
                }
            }
        }
        throw new IllegalArgumentException("an alternative of rule " + rule.name() + " writes no word");
    }

    /** Walks every alternative; returns the slots that are set whichever was taken. */
    private Set<String> assignedAfter(String ruleName, Set<String> before) {
        if (path.contains(ruleName)) {
            throw new IllegalArgumentException("rule " + ruleName + " contains itself");
        }
        path.push(ruleName);
        Set<String> after = null;
        for (Alternative alternative : rule(ruleName).alternatives()) {
            Set<String> set = new HashSet<>(before);
            alternative.symbols().forEach(symbol -> assignedAfter(symbol, set));
            if (after == null) {
                after = set;
            } else {
                after.retainAll(set);
            }
        }
        path.pop();
        return after;
    }

    private void assignedAfter(Symbol symbol, Set<String> set) {
        switch (symbol) {
            case Symbol.Word _ -> { }
            case Symbol.Assign(String slot, List<String> _) -> set.add(slot);
            case Symbol.Call(String rule) -> set.addAll(assignedAfter(rule, set));
            case Symbol.Bind(String slot, String rule) -> {
                set.addAll(assignedAfter(rule, set));
                set.add(slot);
            }
            case Symbol.Recall(String slot) -> requireSet(slot, set);
            case Symbol.CallRemembered(String slot) -> {
                requireSet(slot, set);
                if (bound.containsKey(slot)) {
                    throw new IllegalArgumentException("<$" + slot + "> needs a slot that is only assigned, not bound");
                }
                Set<String> common = null;
                for (String rule : assigned.get(slot)) {
                    Set<String> after = assignedAfter(rule, set);
                    if (common == null) {
                        common = after;
                    } else {
                        common.retainAll(after);
                    }
                }
                set.addAll(common);
            }
        }
    }

    private void requireSet(String slot, Set<String> set) {
        if (!set.contains(slot)) {
            throw new IllegalArgumentException(
                    "rule " + path.peek() + " recalls $" + slot + " before it is surely set");
        }
    }

    private Rule rule(String name) {
        Rule rule = rules.get(name);
        if (rule == null) {
            throw new IllegalArgumentException("there is no rule " + name);
        }
        return rule;
    }

    private Stream<Symbol> symbols() {
        return rules.values().stream().flatMap(rule -> rule.alternatives().stream())
                .flatMap(alternative -> alternative.symbols().stream());
    }
}
