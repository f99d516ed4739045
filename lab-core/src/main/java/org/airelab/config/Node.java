package org.airelab.config;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.airelab.base.UserError;

/** A value as it was written, before anything is known of the type it should have. */
sealed interface Node {
    /** Where it was written: {@code run.yaml:12} or {@code --set a.b=c}. */
    String origin();

    /** How an error shows it. */
    String shown();

    /** A scalar's text without quotes; null for one that is absent ({@code key:}). */
    record Scalar(String text, boolean isNull, String origin) implements Node {
        @Override
        public String shown() {
            return isNull ? "empty" : '"' + text + '"';
        }

        /** {@code key:} with nothing behind it, and not a written-out null. */
        boolean isBlank() {
            return isNull && (text == null || text.isEmpty());
        }
    }

    /** A list. */
    record Sequence(List<Node> items, String origin) implements Node {
        @Override
        public String shown() {
            return "a list";
        }
    }

    /** Keys with values, in the order written. */
    record Mapping(Map<String, Node> children, String origin) implements Node {
        Mapping(String origin) {
            this(new LinkedHashMap<>(), origin);
        }

        @Override
        public String shown() {
            return "a section";
        }

        /**
         * Adds a value under a key that may be dotted; a key that is there already is refused.
         *
         * @param section the dotted key of this mapping, for the error
         */
        void insert(String section, String key, Node value) {
            int dot = key.indexOf('.');
            if (dot > 0) {
                String first = key.substring(0, dot);
                Node child = children.computeIfAbsent(first, _ -> new Mapping(value.origin()));
                if (child instanceof Mapping mapping) {
                    mapping.insert(join(section, first), key.substring(dot + 1), value);
                    return;
                }
                throw duplicate(join(section, first), child, value);
            }
            Node previous = children.putIfAbsent(key, value);
            if (previous != null) {
                throw duplicate(join(section, key), previous, value);
            }
        }

        /** Takes over every value of {@code stronger}, section by section. */
        void overrideWith(Mapping stronger) {
            stronger.children.forEach((key, value) -> {
                if (value instanceof Mapping section && children.get(key) instanceof Mapping own) {
                    own.overrideWith(section);
                } else {
                    children.put(key, value);
                }
            });
        }

        private static UserError duplicate(String key, Node first, Node second) {
            return UserError.badInput("The key " + key + " is given twice, at " + first.origin() + " and "
                    + second.origin() + ".", "Keep one of the two.");
        }
    }

    /** A dotted key. */
    static String join(String section, String key) {
        return section.isEmpty() ? key : section + "." + key;
    }
}
