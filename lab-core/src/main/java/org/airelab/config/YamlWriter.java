package org.airelab.config;

import com.fasterxml.jackson.core.io.JsonStringEncoder;
import java.lang.reflect.RecordComponent;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Writes records as YAML that YAML 1.1 and 1.2 readers agree on: text is quoted wherever one of them might take it
 * for something else, and exponents carry a sign.
 */
final class YamlWriter {
    private static final Pattern PLAIN = Pattern.compile("[A-Za-z_/][A-Za-z0-9_./+-]*");
    /** What YAML 1.1 takes for a boolean, null or number although it looks like a word. */
    private static final Pattern SPECIAL = Pattern.compile("(?i)y|n|yes|no|on|off|true|false|null|nan|inf|infinity");

    private final boolean sorted;
    private final StringBuilder out = new StringBuilder();

    private YamlWriter(boolean sorted) {
        this.sorted = sorted;
    }

    /** All keys in declaration order. */
    static String write(Record configuration) {
        YamlWriter writer = new YamlWriter(false);
        writer.section(configuration, "");
        return writer.out.toString();
    }

    /** The same with keys in alphabetical order: equal exactly for records with equal keys and values. */
    static String canonical(Record configuration) {
        YamlWriter writer = new YamlWriter(true);
        writer.section(configuration, "");
        return writer.out.toString();
    }

    private void section(Object configuration, String indent) {
        RecordComponent[] components = configuration.getClass().getRecordComponents();
        if (sorted) {
            Arrays.sort(components, Comparator.comparing(component -> Keys.snakeCase(component.getName())));
        }
        for (RecordComponent component : components) {
            Object value = RecordBinder.read(component, configuration);
            if (value instanceof Optional<?> optional) {
                value = optional.orElse(null);
            }
            out.append(indent).append(Keys.snakeCase(component.getName())).append(':');
            if (value instanceof Record inner && inner.getClass().getRecordComponents().length > 0) {
                out.append('\n');
                section(inner, indent + "  ");
            } else {
                out.append(' ').append(flow(value)).append('\n');
            }
        }
    }

    private String flow(Object value) {
        return switch (value) {
            case null -> "null";
            case List<?> list -> list.stream().map(this::flow).collect(Collectors.joining(", ", "[", "]"));
            case Optional<?> optional -> flow(optional.orElse(null));
            case Record inner -> Arrays.stream(inner.getClass().getRecordComponents())
                    .sorted(sorted ? Comparator.comparing(RecordComponent::getName) : (_, _) -> 0)
                    .map(component -> Keys.snakeCase(component.getName()) + ": "
                            + flow(RecordBinder.read(component, inner)))
                    .collect(Collectors.joining(", ", "{", "}"));
            case Double number -> number(number, number.toString());
            case Float number -> number(number, number.toString());
            case Enum<?> constant -> quoted(Scalars.name(constant));
            case String text -> quoted(text);
            case Path path -> quoted(path.toString());
            case Integer _, Long _, Boolean _ -> value.toString();
            default -> throw new IllegalArgumentException("expected a type configurations know, found "
                    + value.getClass());
        };
    }

    private static String number(double value, String shortest) {
        if (Double.isNaN(value)) {
            return ".nan";
        }
        if (Double.isInfinite(value)) {
            return value > 0 ? ".inf" : "-.inf";
        }
        int exponent = shortest.indexOf('E');
        boolean unsigned = exponent >= 0 && shortest.charAt(exponent + 1) != '-';
        return unsigned ? shortest.replace("E", "e+") : shortest.replace('E', 'e');
    }

    private static String quoted(String text) {
        if (PLAIN.matcher(text).matches() && !SPECIAL.matcher(text).matches()) {
            return text;
        }
        StringBuilder escaped = new StringBuilder("\"");
        for (char c : JsonStringEncoder.getInstance().quoteAsString(text)) {
            // YAML takes these for line breaks or refuses them unless they are escaped.
            boolean special = c >= 0x7F && c <= 0x9F || c == 0x2028 || c == 0x2029 || c == 0xFEFF || c >= 0xFFFE;
            escaped.append(special ? String.format(Locale.ROOT, "\\u%04x", (int) c) : String.valueOf(c));
        }
        return escaped.append('"').toString();
    }
}
