package org.airelab.config;

import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.airelab.base.UserError;

/** Builds records from nodes, innermost first, with the defaults' components where nothing is given. */
final class RecordBinder {
    /** How records have to refuse a value, for their limits to be told: {@code steps must be at least 1, found 0}. */
    private static final Pattern DEMAND = Pattern.compile("(\\w+) must be (.*), found .*");

    private final Class<? extends Record> root;

    RecordBinder(Class<? extends Record> root) {
        this.root = root;
    }

    /** @param defaults an instance of the root type, or null when every key must be given */
    Record bind(Node.Mapping settings, Record defaults) {
        return record(root, settings, defaults, "");
    }

    private Record record(Class<?> type, Node.Mapping settings, Object defaults, String section) {
        RecordComponent[] components = type.getRecordComponents();
        List<String> keys = Keys.of(type);
        for (Map.Entry<String, Node> setting : settings.children().entrySet()) {
            if (!keys.contains(setting.getKey())) {
                throw unknown(Node.join(section, setting.getKey()), setting.getValue(), section, keys);
            }
        }
        Object[] values = new Object[components.length];
        for (int i = 0; i < components.length; i++) {
            String key = Node.join(section, keys.get(i));
            Node given = settings.children().get(keys.get(i));
            Object standard = defaults == null ? null : read(components[i], defaults);
            if (given != null) {
                int index = i;
                values[i] = value(components[i].getGenericType(), given, standard, key,
                        () -> limits(type, index, defaults));
            } else if (defaults != null || components[i].getType() == Optional.class) {
                values[i] = standard == null && components[i].getType() == Optional.class ? Optional.empty() : standard;
            } else {
                throw UserError.badInput("The key " + key + " is missing" + at(settings) + ".", "Give it a value.");
            }
        }
        return construct(type, components, values, settings, section);
    }

    /** @param limits of a number, see {@link #limits} */
    private Object value(Type type, Node given, Object standard, String key, Supplier<String> limits) {
        if (type instanceof ParameterizedType generic && generic.getRawType() == Optional.class) {
            return given instanceof Node.Scalar scalar && scalar.isNull() ? Optional.empty()
                    : Optional.of(value(generic.getActualTypeArguments()[0], given,
                            standard instanceof Optional<?> optional ? optional.orElse(null) : null, key, limits));
        }
        if (type instanceof ParameterizedType generic && generic.getRawType() == List.class) {
            return list(generic.getActualTypeArguments()[0], given, key);
        }
        if (!(type instanceof Class<?> raw) || !raw.isRecord() && !Scalars.isScalar(raw)) {
            throw new IllegalArgumentException("expected a type configurations know for " + key + ", found " + type);
        }
        if (raw.isRecord()) {
            return section(raw, given, standard, key);
        }
        if (!(given instanceof Node.Scalar scalar) || scalar.isNull() && raw.isPrimitive()) {
            throw Scalars.mismatch(key, given, Scalars.expected(raw, "", limits.get()));
        }
        Object value = scalar.isNull() ? null : Scalars.parse(raw, scalar.text());
        if (value == null && !scalar.isNull()) {
            throw Scalars.mismatch(key, given, Scalars.expected(raw, scalar.text(), limits.get()));
        }
        return value;
    }

    private Object section(Class<?> type, Node given, Object standard, String key) {
        return switch (given) {
            case Node.Mapping mapping -> record(type, mapping, standard, key);
            // A section whose keys are all commented out changes nothing; a written-out null says there is none.
            case Node.Scalar scalar when scalar.isBlank() -> standard;
            case Node.Scalar scalar when scalar.isNull() -> null;
            default -> throw Scalars.mismatch(key, given,
                    "a section with the keys " + String.join(", ", Keys.of(type)));
        };
    }

    private List<Object> list(Type elementType, Node given, String key) {
        if (given instanceof Node.Scalar scalar && scalar.isNull() && !scalar.isBlank()) {
            return null;
        }
        if (!(given instanceof Node.Sequence sequence)) {
            throw Scalars.mismatch(key, given, "a list like [a, b]");
        }
        List<Object> values = new ArrayList<>();
        for (Node item : sequence.items()) {
            Object element = value(elementType, item, null, key + "[" + values.size() + "]", () -> "");
            if (element == null) {
                throw Scalars.mismatch(key + "[" + values.size() + "]", item, "a value");
            }
            values.add(element);
        }
        return List.copyOf(values);
    }

    /**
     * What a record demands of a number, such as ", at least 1", as it says itself of one that is below all others;
     * empty where it takes that one, or has no defaults to be made with.
     */
    private static String limits(Class<?> type, int index, Object defaults) {
        RecordComponent[] components = type.getRecordComponents();
        Object least = switch (components[index].getType().getSimpleName()) {
            case "int" -> Integer.MIN_VALUE;
            case "long" -> Long.MIN_VALUE;
            case "float" -> Float.NEGATIVE_INFINITY;
            case "double" -> Double.NEGATIVE_INFINITY;
            default -> null;
        };
        if (least == null || defaults == null) {
            return "";
        }
        Object[] values = Arrays.stream(components).map(component -> read(component, defaults)).toArray();
        values[index] = least;
        try {
            construct(type, components, values);
            return "";
        } catch (InvocationTargetException e) {
            Matcher demand = DEMAND.matcher(String.valueOf(e.getCause().getMessage()));
            return demand.matches() && Keys.snakeCase(components[index].getName()).equals(
                    Keys.snakeCase(demand.group(1))) ? ", " + demand.group(2) : "";
        }
    }

    private static Record construct(Class<?> type, RecordComponent[] components, Object[] values,
            Node.Mapping settings, String section) {
        try {
            return construct(type, components, values);
        } catch (InvocationTargetException e) {
            throw switch (e.getCause()) {
                case UserError error -> error;
                case IllegalArgumentException error -> refused(error, components, settings, section);
                case NullPointerException error -> refused(error, components, settings, section);
                case RuntimeException error -> error;
                default -> new IllegalStateException(e.getCause());
            };
        }
    }

    /** @throws InvocationTargetException with what the record says against its values */
    private static Record construct(Class<?> type, RecordComponent[] components, Object[] values)
            throws InvocationTargetException {
        try {
            Constructor<?> constructor = type.getDeclaredConstructor(
                    Arrays.stream(components).map(RecordComponent::getType).toArray(Class<?>[]::new));
            constructor.setAccessible(true);
            return (Record) constructor.newInstance(values);
        } catch (InvocationTargetException e) {
            throw e;
        } catch (ReflectiveOperationException e) {
            throw new IllegalArgumentException("expected a record that can be constructed, found " + type, e);
        }
    }

    /** What a record said against its values, with the key and where it was given. */
    private static UserError refused(RuntimeException error, RecordComponent[] components, Node.Mapping settings,
            String section) {
        String message = String.valueOf(error.getMessage()).strip();
        for (RecordComponent component : components) {
            String key = Keys.snakeCase(component.getName());
            for (String name : List.of(component.getName(), key)) {
                if (message.equals(name) || message.startsWith(name + " ")) {
                    String rest = message.equals(name) ? " must have a value" : message.substring(name.length());
                    return refusal(Node.join(section, key) + rest, settings.children().get(key), error);
                }
            }
        }
        return refusal(section.isEmpty() ? message : section + ": " + message, section.isEmpty() ? null : settings,
                error);
    }

    private static UserError refusal(String message, Node place, RuntimeException error) {
        String sentence = message.endsWith(".") ? message.substring(0, message.length() - 1) : message;
        return UserError.badInput(sentence + (place == null ? "" : at(place)) + ".", "Correct the value.", error);
    }

    private UserError unknown(String key, Node value, String section, List<String> keys) {
        Optional<String> nearest = Keys.nearest(key, Keys.all(root));
        if (nearest.isEmpty() && value instanceof Node.Mapping mapping && !mapping.children().isEmpty()) {
            // A section of a made-up name: what stands in it says more about what was meant.
            Map.Entry<String, Node> first = mapping.children().entrySet().iterator().next();
            return unknown(Node.join(key, first.getKey()), first.getValue(), section, keys);
        }
        return UserError.badInput("Unknown key " + key + at(value) + nearest.map(near -> "; did you mean " + near + "?")
                .orElse("."), (section.isEmpty() ? "The keys here are " : "The keys of " + section + " are ")
                + String.join(", ", keys) + ".");
    }

    private static String at(Node node) {
        return node.origin().isEmpty() ? "" : " (" + node.origin() + ")";
    }

    /** A component's value by its accessor. */
    static Object read(RecordComponent component, Object record) {
        try {
            component.getAccessor().setAccessible(true);
            return component.getAccessor().invoke(record);
        } catch (ReflectiveOperationException e) {
            throw new IllegalArgumentException("expected a readable component, found " + component, e);
        }
    }
}
