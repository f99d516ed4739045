package org.airelab.config;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.airelab.base.UserError;

/**
 * A key's value from the command line, over those of a file.
 *
 * @param option the option it was given by, for errors
 * @param key    {@code section.key}
 * @param value  a scalar or YAML's {@code [a, b]} and {@code {k: v}}; null where the option was not given
 */
public record Setting(String option, String key, String value) {
    /** The option of all keys. */
    private static final String SET = "--set";

    /**
     * An option's {@code section.key=value}.
     *
     * @throws UserError (bad input) where it is none
     */
    public static Setting parse(String text) {
        int equals = text.indexOf('=');
        if (equals < 1) {
            throw UserError.badInput("The override " + text + " has no key and value.",
                    "Write " + SET + " section.key=value.");
        }
        return new Setting(SET, text.substring(0, equals).strip(), text.substring(equals + 1));
    }

    /** Those that were given, in a list to add to. */
    public static List<Setting> given(Setting... options) {
        return new ArrayList<>(Stream.of(options).filter(setting -> setting.value != null).toList());
    }

    /** As it was given. */
    @Override
    public String toString() {
        return option + " " + (option.equals(SET) ? key + "=" : "") + value;
    }
}
