package org.airelab.data.story;

import java.util.List;

/** One element of an alternative, expanded from left to right. */
sealed interface Symbol {
    /** A word or punctuation mark, written as it is. */
    record Word(String text) implements Symbol {
    }

    /** {@code <rule>}: the words of a rule. */
    record Call(String rule) implements Symbol {
    }

    /** {@code <slot:rule>}: the words of a rule, remembered in a slot. */
    record Bind(String slot, String rule) implements Symbol {
    }

    /** {@code {slot=words}}: writes nothing, remembers words (or the name of a rule, for {@link CallRemembered}). */
    record Assign(String slot, List<String> words) implements Symbol {
    }

    /** {@code $slot}: the remembered words. */
    record Recall(String slot) implements Symbol {
    }

    /** {@code <$slot>}: the words of the rule whose name is remembered. */
    record CallRemembered(String slot) implements Symbol {
    }
}
