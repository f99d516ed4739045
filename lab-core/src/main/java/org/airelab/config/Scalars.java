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

    /**
     * What a value of this type looks like, for the error of one that does not.
     *
     * @param limits what else a number must be, such as ", at least 1"; may be empty
     */
    static String expected(Class<?> type, String found, String limits) {
        if (type.isEnum()) {
            return "one of " + Arrays.stream(type.getEnumConstants()).map(value -> name((Enum<?>) value))
                    .collect(Collectors.joining(", "));
        }
        return switch (type.getSimpleName()) {
            case "int", "Integer" -> wholeNumber(found, Integer.MIN_VALUE, Integer.MAX_VALUE, limits);
            case "long", "Long" -> wholeNumber(found, Long.MIN_VALUE, Long.MAX_VALUE, limits);
            case "float", "Float", "double", "Double" -> "a number" + limits;
            case "boolean", "Boolean" -> "true or false";
            case "Path" -> "a path";
            default -> "a text";
        };
    }

    /** An enum's constant as it is written in YAML. */
    static String name(Enum<?> value) {
        return value.name().toLowerCase(Locale.ROOT);
    }

    /** A whole number of too many digits is told how far they go. */
    private static String wholeNumber(String found, long least, long most, String limits) {
        BigDecimal value = number(found);
        if (value == null || value.stripTrailingZeros().scale() > 0) {
            return "a whole number" + limits;
        }
        return "a whole number of at " + (value.signum() < 0 ? "least " + least : "most " + most);
    }

    /** A scalar as a value of a type; null when it is none. */
    static Object parse(Class<?> type, String text) {
        return type.isEnum() ? constant(type, text) : switch (type.getSimpleName()) {
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
        BigDecimal value = number(text);
        boolean fits = value != null && value.compareTo(BigDecimal.valueOf(least)) >= 0
                && value.compareTo(BigDecimal.valueOf(most)) <= 0;
        return fits && value.stripTrailingZeros().scale() <= 0 ? (Long) value.longValue() : null;
    }

    private static BigDecimal number(String text) {
        return text.length() <= LONGEST_NUMBER && NUMBER.matcher(text).matches()
                ? new BigDecimal(text.replace("_", "")) : null;
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
