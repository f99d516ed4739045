package org.airelab.base;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.core.util.Separators;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectWriter;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.exc.ValueInstantiationException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;

/**
 * JSON as the lab writes and reads it: indented by two spaces, line feeds on every platform, maps in their own
 * order, records by their components, {@code valLoss} as {@code val_loss}. JSON has no word for NaN and the infinities:
 * they are written as the strings "NaN", "Infinity" and "-Infinity", which every JSON reader takes and which {@code
 * float()} in Python, {@code Number()} in JavaScript and {@link Double#parseDouble} turn back into what they were.
 * Duplicate keys and text after the value are refused.
 */
public final class Json {
    /** Reads strictly; writes on one line. Shared and never reconfigured. */
    public static final JsonMapper MAPPER = JsonMapper.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE).build();

    private static final DefaultIndenter INDENTER = new DefaultIndenter("  ", "\n");
    private static final ObjectWriter PRETTY = MAPPER.writer(new DefaultPrettyPrinter(Separators.createDefaultInstance()
            .withObjectFieldValueSpacing(Separators.Spacing.AFTER)).withObjectIndenter(INDENTER));

    private Json() {
    }

    /** What the parser, or the record to be made, found wrong with a text, in a few words and without the place. */
    public static String reason(JsonProcessingException e) {
        if (e instanceof ValueInstantiationException && e.getCause() != null) {
            return e.getCause().getMessage();
        }
        String message = e.getOriginalMessage().lines().findFirst().orElse("it cannot be parsed");
        if (message.startsWith("Trailing token")) {
            return "it goes on after the end of its first value";
        }
        // Jackson lists what would have been valid, and where in its own memory the text lies.
        String reason = message.replaceFirst(" \\(start marker at .*", "")
                .replaceFirst(": (expected a valid value|was expecting) .*", "")
                .replaceFirst("\\(('.') \\(code \\d+\\)\\)", "$1");
        return reason.startsWith("Unexpected") || reason.startsWith("Unrecognized")
                ? reason.substring(0, 1).toLowerCase(Locale.ROOT) + reason.substring(1) : reason;
    }

    /** A map, list, record or scalar as indented text that ends with a line feed. */
    public static String pretty(Object value) {
        try {
            return PRETTY.writeValueAsString(value) + "\n";
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("expected what JSON can express, found " + value.getClass(), e);
        }
    }

    /** Writes {@link #pretty} text, whole or not at all. */
    public static void write(Path file, Object value) throws IOException {
        AtomicFiles.writeString(file, pretty(value));
    }
}
