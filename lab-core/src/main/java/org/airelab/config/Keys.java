package org.airelab.config;

import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import org.airelab.base.Nearest;

/** The keys of a record and of the records in it. */
final class Keys {
    private Keys() {
    }

    /** {@code learningRate} as {@code learning_rate}. */
    static String snakeCase(String name) {
        return name.replaceAll("([a-z0-9])([A-Z])", "$1_$2").replaceAll("([A-Z])([A-Z][a-z])", "$1_$2")
                .toLowerCase(Locale.ROOT);
    }

    /** The keys of one record, in declaration order. */
    static List<String> of(Class<?> type) {
        return Arrays.stream(type.getRecordComponents()).map(component -> snakeCase(component.getName())).toList();
    }

    /** The dotted keys of a record, its sections and theirs, in declaration order. */
    static List<String> all(Class<?> type) {
        List<String> keys = new ArrayList<>();
        collect(type, "", keys);
        return keys;
    }

    private static void collect(Class<?> type, String section, List<String> keys) {
        for (RecordComponent component : type.getRecordComponents()) {
            String key = Node.join(section, snakeCase(component.getName()));
            keys.add(key);
            if (component.getType().isRecord()) {
                collect(component.getType(), key, keys);
            }
        }
    }

    /**
     * The valid key most like one that is unknown: few edits away, its initials ({@code lr} for
     * {@code learning_rate}), or one with a word more or less, in the same section or another.
     */
    static Optional<String> nearest(String unknown, List<String> valid) {
        String best = null;
        int least = Integer.MAX_VALUE;
        String wanted = snakeCase(unknown.replace('-', '_'));
        for (String key : valid) {
            int cost = 2 * leafCost(leaf(wanted), leaf(key));
            if (cost >= 0 && !section(wanted).equals(section(key))) {
                cost += 1;
            }
            if (cost >= 0 && cost < least) {
                least = cost;
                best = key;
            }
        }
        return Optional.ofNullable(best);
    }

    /** How unlike two names are, or -1 when they have nothing to do with each other. */
    private static int leafCost(String wanted, String key) {
        int edits = Nearest.distance(wanted, key);
        if (edits <= Math.max(1, wanted.length() / 3) && edits < wanted.length()) {
            return edits;
        }
        List<String> words = List.of(key.split("_"));
        if (words.size() > 1 && words.stream().map(word -> word.substring(0, 1)).collect(Collectors.joining())
                .equals(wanted)) {
            return 1;
        }
        List<String> wantedWords = List.of(wanted.split("_"));
        boolean contained = words.containsAll(wantedWords) || wantedWords.containsAll(words);
        boolean prefix = wanted.length() >= 3 && key.startsWith(wanted) || key.length() >= 3 && wanted.startsWith(key);
        return contained || prefix ? 2 : -1;
    }

    private static String leaf(String key) {
        return key.substring(key.lastIndexOf('.') + 1);
    }

    private static String section(String key) {
        return key.substring(0, Math.max(0, key.lastIndexOf('.')));
    }
}
