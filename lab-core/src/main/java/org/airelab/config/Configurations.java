package org.airelab.config;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.airelab.base.Hashes;
import org.airelab.base.UserError;

/**
 * Configuration records. A record's components are its keys, {@code learningRate} as {@code learning_rate}; a
 * component that is a record is a section. Components may be {@code int}, {@code long}, {@code float},
 * {@code double}, {@code boolean} and their boxes, {@link String}, {@link Path}, enums, records, and {@link List} and
 * {@link java.util.Optional} of these. Records check their own values: what a compact constructor throws as
 * {@link IllegalArgumentException} becomes an error that names the key, precisely so when the message begins with the
 * component's name or key ("learning_rate must be above 0, found -1.0").
 */
public final class Configurations {
    private Configurations() {
    }

    /**
     * Fills a record from its defaults, then a file, then overrides in their order: each changes the keys it names and
     * no others, so that of two overrides of a key the later one wins. A list is replaced as a whole.
     *
     * @param defaults   what keys that are not named keep, such as a preset; null when every key must be named
     * @param yamlOrNull a YAML file, or null
     * @param overrides  from the command line
     * @throws UserError (bad input) that names the key for one that is unknown, given twice in the file, of the wrong
     *                   type or out of range, and the file for one that is missing or no YAML
     */
    public static <T extends Record> T load(Class<T> type, T defaults, Path yamlOrNull, List<Setting> overrides) {
        Node.Mapping settings = yamlOrNull == null ? new Node.Mapping("") : YamlReader.read(yamlOrNull);
        for (Setting override : overrides) {
            Node.Mapping one = new Node.Mapping(override.option());
            one.insert("", override.key(), YamlReader.override(override.value(), override.toString()));
            settings.overrideWith(one);
        }
        return type.cast(new RecordBinder(type).bind(settings, defaults));
    }

    /** A record as YAML that {@link #load} reads back into an equal record: all keys, in declaration order. */
    public static String toYaml(Record configuration) {
        return YamlWriter.write(configuration);
    }

    /** SHA-256 of a record's keys and values, the same however its components are ordered. */
    public static String hash(Record configuration) {
        return Hashes.sha256(YamlWriter.canonical(configuration).getBytes(StandardCharsets.UTF_8));
    }
}
