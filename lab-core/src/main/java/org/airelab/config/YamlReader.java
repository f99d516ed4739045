package org.airelab.config;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.fasterxml.jackson.dataformat.yaml.YAMLParser;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.airelab.base.IoReasons;
import org.airelab.base.UserError;

/** Reads YAML into {@link Node}s that know their lines. Scalars stay text: their type is the record's to say. */
final class YamlReader {
    private static final YAMLFactory YAML = new YAMLFactory();
    private static final Set<String> NULLS = Set.of("", "~", "null", "Null", "NULL");

    /** How the origin of an override begins, an option's: it has no lines. */
    private static final String OVERRIDE = "--";
    private static final Pattern POSITION = Pattern.compile("^ *in .*, line (\\d+), column");

    private final YAMLParser parser;
    private final String source;

    private YamlReader(YAMLParser parser, String source) {
        this.parser = parser;
        this.source = source;
    }

    /** The keys of a file; none when it is empty. */
    static Node.Mapping read(Path file) {
        Node root = parse(text(file), file.toString());
        return switch (root) {
            case Node.Mapping mapping -> mapping;
            case Node.Scalar scalar when scalar.isNull() -> new Node.Mapping(file.toString());
            default -> throw UserError.badInput(root.origin() + " begins with " + root.shown()
                    + " and must hold keys with values.", "Write lines like 'section:' and '  key: value'.");
        };
    }

    /**
     * The value of an override: YAML where it is a list, a section or quoted, and otherwise the plain text, so that
     * {@code --set note=a: b} means what it seems to.
     */
    static Node override(String value, String origin) {
        String text = value.strip();
        if (!text.isEmpty() && "[{\"'".indexOf(text.charAt(0)) >= 0) {
            return relocated(parse(text, origin), origin);
        }
        return new Node.Scalar(text, NULLS.contains(text), origin);
    }

    /** An override has no lines. */
    private static Node relocated(Node node, String origin) {
        return switch (node) {
            case Node.Scalar scalar -> new Node.Scalar(scalar.text(), scalar.isNull(), origin);
            case Node.Sequence list -> new Node.Sequence(
                    list.items().stream().map(item -> relocated(item, origin)).toList(), origin);
            case Node.Mapping mapping -> {
                Node.Mapping copy = new Node.Mapping(origin);
                mapping.children().forEach((key, child) -> copy.children().put(key, relocated(child, origin)));
                yield copy;
            }
        };
    }

    private static String text(Path file) {
        try {
            return Files.readString(file);
        } catch (NoSuchFileException e) {
            throw UserError.badInput("There is no configuration file " + file + ".", "Check the path.", e);
        } catch (CharacterCodingException e) {
            throw UserError.badInput(file + " is not UTF-8 text.", "Save it as UTF-8.", e);
        } catch (IOException e) {
            throw UserError.badInput(file + " could not be read: " + IoReasons.of(e) + ".",
                    "Give a readable YAML file.", e);
        }
    }

    private static Node parse(String text, String source) {
        try (YAMLParser parser = YAML.createParser(text)) {
            if (parser.nextToken() == null) {
                return new Node.Scalar("", true, source);
            }
            YamlReader reader = new YamlReader(parser, source);
            Node root = reader.node("");
            if (parser.nextToken() != null) {
                throw UserError.badInput(reader.origin() + " begins a second document and one is allowed.",
                        "Keep one document a file.");
            }
            return root;
        } catch (JacksonException e) {
            throw notYaml(e, source);
        } catch (IOException e) {
            throw new AssertionError("reading a string cannot fail", e);
        }
    }

    /**
     * The parser tells first what it was doing and last what it found, each with its line: only the last helps.
     */
    private static UserError notYaml(JacksonException e, String source) {
        String problem = "it cannot be parsed";
        String line = "";
        for (String text : e.getOriginalMessage().lines().toList()) {
            Matcher position = POSITION.matcher(text);
            if (position.find()) {
                line = source.startsWith(OVERRIDE) ? "" : ":" + position.group(1);
            } else if (!text.isBlank() && !Character.isWhitespace(text.charAt(0))) {
                problem = text.endsWith(".") ? text.substring(0, text.length() - 1) : text;
            }
        }
        return UserError.badInput(source + line + " is not YAML: " + problem + ".",
                "Correct it; quote values with special characters.", e);
    }

    private Node node(String key) throws IOException {
        String origin = origin();
        if (parser.isCurrentAlias()) {
            throw UserError.badInput("The value of " + key + " at " + origin + " is an alias (*"
                    + parser.getText() + ") and aliases are not read.", "Write the value out.");
        }
        return switch (parser.currentToken()) {
            case START_OBJECT -> mapping(key, origin);
            case START_ARRAY -> {
                List<Node> items = new ArrayList<>();
                while (parser.nextToken() != JsonToken.END_ARRAY) {
                    items.add(node(key));
                }
                yield new Node.Sequence(List.copyOf(items), origin);
            }
            case VALUE_NULL -> new Node.Scalar(parser.getText(), true, origin);
            default -> new Node.Scalar(parser.getText(), false, origin);
        };
    }

    private Node.Mapping mapping(String section, String origin) throws IOException {
        Node.Mapping mapping = new Node.Mapping(origin);
        while (parser.nextToken() != JsonToken.END_OBJECT) {
            String key = parser.currentName();
            String keyOrigin = origin();
            parser.nextToken();
            Node value = node(Node.join(section, key));
            // A section begins on the line after its key, where nobody would look for it.
            mapping.insert(section, key, value instanceof Node.Mapping inner
                    ? new Node.Mapping(inner.children(), keyOrigin) : value);
        }
        return mapping;
    }

    private String origin() {
        return source + ":" + parser.currentTokenLocation().getLineNr();
    }
}
