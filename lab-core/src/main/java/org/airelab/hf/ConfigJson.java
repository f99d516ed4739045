package org.airelab.hf;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Supplier;
import org.airelab.base.IoReasons;
import org.airelab.base.Json;
import org.airelab.base.UserError;
import org.airelab.nn.ModelConfig;

/**
 * A {@code config.json}, or a section of it. {@code transformers} leaves out entries that have its defaults, and null
 * stands for the default too, so every question names the default of the class. Answers outside what was asked for are
 * bad input, with the entry's name.
 */
final class ConfigJson {
    private final Path file;
    private final String prefix;
    private final JsonNode node;

    private ConfigJson(Path file, String prefix, JsonNode node) {
        this.file = file;
        this.prefix = prefix;
        this.node = node;
    }

    /** Reads the file. */
    static ConfigJson read(Path file) {
        try {
            return new ConfigJson(file, "", Json.MAPPER.readTree(Files.readAllBytes(file)));
        } catch (IOException e) {
            String reason = IoReasons.of(e).lines().findFirst().orElse("");
            throw UserError.badInput(file + " could not be read: " + reason + ".", "Name a folder that save_pretrained"
                    + " wrote, with config.json, model.safetensors and tokenizer.json.", e);
        }
    }

    /** A part of it; one without entries when it is absent. */
    ConfigJson section(String name) {
        JsonNode section = node.path(name);
        return new ConfigJson(file, prefix + name + ".", section.isObject() ? section : MissingNode.getInstance());
    }

    private boolean absent(String name) {
        return node.path(name).isMissingNode() || node.path(name).isNull();
    }

    /** Whether there is such an entry. */
    boolean has(String name) {
        return !absent(name);
    }

    String text(String name, String byDefault) {
        return absent(name) ? byDefault : node.path(name).asText();
    }

    int integer(String name, int byDefault) {
        if (absent(name)) {
            return byDefault;
        }
        JsonNode value = node.path(name);
        if (!value.canConvertToExactIntegral() || !value.canConvertToInt()) {
            throw unsupported(name, "an integer below 2^31");
        }
        return value.intValue();
    }

    double number(String name, double byDefault) {
        if (!absent(name) && !node.path(name).isNumber()) {
            throw unsupported(name, "a number");
        }
        return absent(name) ? byDefault : node.path(name).doubleValue();
    }

    boolean bool(String name, boolean byDefault) {
        if (!absent(name) && !node.path(name).isBoolean()) {
            throw unsupported(name, "true or false");
        }
        return absent(name) ? byDefault : node.path(name).booleanValue();
    }

    /** The value, which must be one of those given; the first is the default. */
    String requireText(String name, String... allowed) {
        String found = text(name, allowed[0]);
        if (!List.of(allowed).contains(found)) {
            throw unsupported(name, String.join(" or ", allowed));
        }
        return found;
    }

    /** The value, absent or not, must be this. */
    void requireBool(String name, boolean byDefault, boolean needed) {
        if (bool(name, byDefault) != needed) {
            throw unsupported(name, String.valueOf(needed));
        }
    }

    /** The value, where there is one, must be this. */
    void requireNumber(String name, double needed) {
        if (number(name, needed) != needed) {
            boolean whole = needed == Math.rint(needed);
            throw unsupported(name, whole ? Long.toString((long) needed) : Double.toString(needed));
        }
    }

    /** There must be no such entry. */
    void requireAbsent(String name) {
        if (has(name)) {
            throw unsupported(name, "none");
        }
    }

    private UserError unsupported(String name, String allowed) {
        String found = absent(name) ? "its default" : node.path(name).toString();
        return UserError.badInput(file + " has " + prefix + name + " " + found + "; the lab's model can have only "
                + allowed + ".", "Import a model without this feature.");
    }

    /** Makes a configuration of values from here; what it refuses is bad input. */
    ModelConfig config(Supplier<ModelConfig> maker) {
        try {
            return maker.get();
        } catch (IllegalArgumentException e) {
            throw UserError.badInput(file + " describes no model the lab can hold: " + e.getMessage() + ".",
                    "Import another model.", e);
        }
    }
}
