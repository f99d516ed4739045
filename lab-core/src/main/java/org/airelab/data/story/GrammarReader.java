package org.airelab.data.story;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads the notation of {@link StoryGrammar}: a rule a line, {@code name = alternative | alternative}, an indented line
 * continues the one above, {@code #} begins a comment line, and {@code 3:} before an alternative is its weight.
 */
final class GrammarReader {
    private static final Pattern RULE = Pattern.compile("([a-z-]+) =(.*)");
    private static final Pattern WEIGHT = Pattern.compile("\\s*(\\d+):(.*)");
    private static final Pattern SYMBOL = Pattern.compile(
            "<\\$(?<remembered>[A-Za-z-]+)>|<(?<slot>[A-Za-z-]+):(?<bound>[a-z-]+)>|<(?<rule>[a-z-]+)>"
                    + "|\\{(?<assigned>[A-Za-z-]+)=(?<value>[^}]+)}|\\$(?<recalled>[A-Za-z-]+)"
                    + "|(?<word>[^\\s<$\"]+\"?|\")");

    private GrammarReader() {
    }

    static Map<String, Rule> read(String text) {
        Map<String, Rule> rules = new LinkedHashMap<>();
        for (String line : text.replaceAll("(?m)^#.*\\n?", "").replaceAll("\\n[ \\t]+", " ").split("\\n")) {
            if (line.isBlank()) {
                continue;
            }
            Matcher matcher = RULE.matcher(line);
            if (!matcher.matches()) {
                throw new IllegalArgumentException("expected a rule \"name = ...\", found: " + line);
            }
            Rule rule = new Rule(matcher.group(1), alternatives(matcher.group(2)));
            if (rules.put(rule.name(), rule) != null) {
                throw new IllegalArgumentException("rule " + rule.name() + " is given twice");
            }
        }
        return rules;
    }

    private static List<Rule.Alternative> alternatives(String text) {
        List<Integer> weights = new ArrayList<>();
        List<List<Symbol>> sequences = new ArrayList<>();
        for (String alternative : text.split("\\|", -1)) {
            Matcher weighted = WEIGHT.matcher(alternative);
            boolean weightGiven = weighted.matches();
            weights.add(weightGiven ? Integer.parseInt(weighted.group(1)) : 1);
            sequences.add(symbols(weightGiven ? weighted.group(2) : alternative));
        }
        double total = weights.stream().mapToInt(Integer::intValue).sum();
        List<Rule.Alternative> alternatives = new ArrayList<>();
        for (int i = 0; i < sequences.size(); i++) {
            alternatives.add(new Rule.Alternative(weights.get(i) / total, sequences.get(i)));
        }
        return List.copyOf(alternatives);
    }

    private static List<Symbol> symbols(String text) {
        List<Symbol> symbols = new ArrayList<>();
        Matcher m = SYMBOL.matcher(text);
        while (m.find()) {
            if (m.group("remembered") != null) {
                symbols.add(new Symbol.CallRemembered(m.group("remembered")));
            } else if (m.group("bound") != null) {
                symbols.add(new Symbol.Bind(m.group("slot"), m.group("bound")));
            } else if (m.group("rule") != null) {
                symbols.add(new Symbol.Call(m.group("rule")));
            } else if (m.group("assigned") != null) {
                symbols.add(new Symbol.Assign(m.group("assigned"), Words.split(m.group("value"))));
            } else if (m.group("recalled") != null) {
                symbols.add(new Symbol.Recall(m.group("recalled")));
            } else {
                Words.split(m.group("word")).forEach(word -> symbols.add(new Symbol.Word(word)));
            }
        }
        return List.copyOf(symbols);
    }
}
