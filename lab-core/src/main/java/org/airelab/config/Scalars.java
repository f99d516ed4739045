package org.airelab.config;

import java.math.BigDecimal;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.airelab.base.UserError;

/**
 * Scalars as Java values: YAML 1.2's numbers (with {@code 1_000} and {@code 1e4} for whole ones too), true and false.
 */
final class Scalars {
    private static final Pattern NUMBER = Pattern.compile(
            "[-+]?(0|[1-9][0-9_]*|(0|[1-9][0-9_]*)?\\.[0-9]+|(0|[1-9][0-9_]*)\\.)([eE][-+]?[0-9]{1,4})?");
    private static final int LONGEST_NUMBER = 400;

    private Scalars() {
    }

    /** Whether a component of this type is one scalar. */
    static boolean isScalar(Class<?> type) {
        return type.isPrimitive() || type.isEnum() || type == String.class || type == Path.class
                || type == Integer.class || type == Long.class || type == Float.class || type == Double.class
                || type == Boolean.class;
    }

    /** What a value of this type looks like, for errors. */
    static String expected(Class<?> type) {
        if (type.isEnum()) {
            return "one of " + Arrays.stream(type.getEnumConstants()).map(value -> name((Enum<?>) value))
                    .collect(Collectors.joining(", "));
        }
        return switch (type.getSimpleName()) {
            case "int", "Integer" -> "a whole number from " + Integer.MIN_VALUE + " to " + Integer.MAX_VALUE;
            case "long", "Long" -> "a whole number from " + Long.MIN_VALUE + " to " + Long.MAX_VALUE;
            case "float", "Float", "double", "Double" -> "a number";
            case "boolean", "Boolean" -> "true or false";
            case "Path" -> "a path";
            default -> "a text";
        };
    }

    /** An enum's constant as it is written in YAML. */
    static String name(Enum<?> value) {
        return value.name().toLowerCase(Locale.ROOT);
    }

    /** A scalar as a value of a type; bad input that names the key when it is none. */
    static Object parse(Class<?> type, Node.Scalar scalar, String key) {
        String text = scalar.text();
        Object value = type.isEnum() ? constant(type, text) : switch (type.getSimpleName()) {
            case "int", "Integer" ->
                whole(text, Integer.MIN_VALUE, Integer.MAX_VALUE) instanceof Long l ? l.intValue() : null;
            case "long", "Long" -> whole(text, Long.MIN_VALUE, Long.MAX_VALUE);
            case "float", "Float" -> real(text, Float.MAX_VALUE) instanceof Double d ? d.floatValue() : null;
            case "double", "Double" -> real(text, Double.MAX_VALUE);
            case "boolean", "Boolean" -> switch (text.toLowerCase(Locale.ROOT)) {
                case "true" -> true;
                case "false" -> false;
                default -> null;
            };
            case "String" -> text;
            case "Path" -> path(text);
            default -> throw new IllegalArgumentException("expected a type configurations know, found " + type);
        };
        if (value == null) {
            throw mismatch(key, scalar, expected(type));
        }
        return value;
    }

    /** The error for a value of the wrong type. */
    static UserError mismatch(String key, Node found, String expected) {
        return UserError.badInput(key + " is " + found.shown() + " (" + found.origin() + ") and must be " + expected
                + ".", "Correct the value.");
    }

    private static Object constant(Class<?> type, String text) {
        String wanted = text.replace('-', '_');
        return Arrays.stream(type.getEnumConstants()).filter(value -> ((Enum<?>) value).name().equalsIgnoreCase(wanted))
                .findFirst().orElse(null);
    }

    private static Long whole(String text, long least, long most) {
        if (text.length() > LONGEST_NUMBER || !NUMBER.matcher(text).matches()) {
            return null;
        }
        BigDecimal value = new BigDecimal(text.replace("_", ""));
        boolean fits = value.compareTo(BigDecimal.valueOf(least)) >= 0
                && value.compareTo(BigDecimal.valueOf(most)) <= 0;
        return fits && value.stripTrailingZeros().scale() <= 0 ? (Long) value.longValue() : null;
    }

    private static Double real(String text, double most) {
        switch (text.toLowerCase(Locale.ROOT)) {
            case ".nan", "nan":
                return Double.NaN;
            case ".inf", "+.inf", "inf", "infinity":
                return Double.POSITIVE_INFINITY;
            case "-.inf", "-inf", "-infinity":
                return Double.NEGATIVE_INFINITY;
            default:
                break;
        }
        if (text.length() > LONGEST_NUMBER || !NUMBER.matcher(text).matches()) {
            return null;
        }
        double value = Double.parseDouble(text.replace("_", ""));
        return Math.abs(value) <= most ? (Double) value : null;
    }

    private static Path path(String text) {
        try {
            return text.isEmpty() ? null : Path.of(text);
        } catch (InvalidPathException e) {
            return null;
        }
    }
}
