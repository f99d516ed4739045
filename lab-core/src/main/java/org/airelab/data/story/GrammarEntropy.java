package org.airelab.data.story;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.airelab.data.story.Rule.Alternative;

/**
 * The exact entropy of a grammar's stories. A story has one derivation, so by the chain rule its entropy is the sum,
 * over the choices of the derivation, of the probability of reaching a choice times the entropy of the choice (Cover
 * and Thomas, "Elements of Information Theory", theorem 2.5.1). What a choice depends on is the rule that
 * {@link Symbol.CallRemembered} finds in memory: the joint distribution of those slots is carried along.
 */
final class GrammarEntropy {
    private final Map<String, Rule> rules;
    private final Set<String> control;
    private double nats;

    private GrammarEntropy(Map<String, Rule> rules) {
        this.rules = rules;
        this.control = rules.values().stream().flatMap(rule -> rule.alternatives().stream())
                .flatMap(alternative -> alternative.symbols().stream())
                .filter(Symbol.CallRemembered.class::isInstance)
                .map(symbol -> ((Symbol.CallRemembered) symbol).slot()).collect(Collectors.toSet());
    }

    /** In nats a story. */
    static double of(Map<String, Rule> rules, String start) {
        GrammarEntropy entropy = new GrammarEntropy(rules);
        entropy.rule(start, Map.of(Map.of(), 1.0));
        return entropy.nats;
    }

    /**
     * Adds the entropy of a rule's expansion.
     *
     * @param states the probability of each content of the control slots before; adds up to that of getting here
     * @return the same after
     */
    private Map<Map<String, String>, Double> rule(String name, Map<Map<String, String>, Double> states) {
        Rule rule = rules.get(name);
        nats += rule.entropy() * states.values().stream().mapToDouble(Double::doubleValue).sum();
        Map<Map<String, String>, Double> after = new LinkedHashMap<>();
        for (Alternative alternative : rule.alternatives()) {
            Map<Map<String, String>, Double> taken = new LinkedHashMap<>();
            states.forEach((state, p) -> taken.put(state, p * alternative.probability()));
            sequence(alternative.symbols(), taken).forEach((state, p) -> after.merge(state, p, Double::sum));
        }
        return after;
    }

    private Map<Map<String, String>, Double> sequence(List<Symbol> symbols, Map<Map<String, String>, Double> states) {
        for (Symbol symbol : symbols) {
            states = switch (symbol) {
                case Symbol.Word _, Symbol.Recall _ -> states;
                case Symbol.Call(String rule) -> rule(rule, states);
                case Symbol.Bind(String _, String rule) -> rule(rule, states);
                case Symbol.Assign(String slot, List<String> words) -> assign(slot, words.getFirst(), states);
                case Symbol.CallRemembered(String slot) -> callRemembered(slot, states);
            };
        }
        return states;
    }

    private Map<Map<String, String>, Double> assign(String slot, String value,
            Map<Map<String, String>, Double> states) {
        if (!control.contains(slot)) {
            return states;
        }
        Map<Map<String, String>, Double> after = new LinkedHashMap<>();
        states.forEach((state, p) -> {
            Map<String, String> changed = new HashMap<>(state);
            changed.put(slot, value);
            after.merge(changed, p, Double::sum);
        });
        return after;
    }

    private Map<Map<String, String>, Double> callRemembered(String slot, Map<Map<String, String>, Double> states) {
        Map<String, Map<Map<String, String>, Double>> byRule = new LinkedHashMap<>();
        states.forEach((state, p) ->
                byRule.computeIfAbsent(state.get(slot), rule -> new LinkedHashMap<>()).put(state, p));
        Map<Map<String, String>, Double> after = new LinkedHashMap<>();
        byRule.forEach((rule, subset) -> rule(rule, subset).forEach((state, p) -> after.merge(state, p, Double::sum)));
        return after;
    }
}
