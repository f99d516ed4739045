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
import org.airelab.base.UserError;

/** Builds records from nodes, innermost first, with the defaults' components where nothing is given. */
final class RecordBinder {
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
                values[i] = value(components[i].getGenericType(), given, standard, key);
            } else if (defaults != null || components[i].getType() == Optional.class) {
                values[i] = standard == null && components[i].getType() == Optional.class ? Optional.empty() : standard;
            } else {
                throw UserError.badInput("The key " + key + " is missing" + at(settings) + ".", "Give it a value.");
            }
        }
        return construct(type, components, values, settings, section);
    }

    private Object value(Type type, Node given, Object standard, String key) {
        if (type instanceof ParameterizedType generic && generic.getRawType() == Optional.class) {
            return given instanceof Node.Scalar scalar && scalar.isNull() ? Optional.empty()
                    : Optional.of(value(generic.getActualTypeArguments()[0], given,
                            standard instanceof Optional<?> optional ? optional.orElse(null) : null, key));
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
            throw Scalars.mismatch(key, given, Scalars.expected(raw));
        }
        return scalar.isNull() ? null : Scalars.parse(raw, scalar, key);
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
            Object element = value(elementType, item, null, key + "[" + values.size() + "]");
            if (element == null) {
                throw Scalars.mismatch(key + "[" + values.size() + "]", item, "a value");
            }
            values.add(element);
        }
        return List.copyOf(values);
    }

    private static Record construct(Class<?> type, RecordComponent[] components, Object[] values,
            Node.Mapping settings, String section) {
        try {
            Constructor<?> constructor = type.getDeclaredConstructor(
                    Arrays.stream(components).map(RecordComponent::getType).toArray(Class<?>[]::new));
            constructor.setAccessible(true);
            return (Record) constructor.newInstance(values);
        } catch (InvocationTargetException e) {
            throw switch (e.getCause()) {
                case UserError error -> error;
                case IllegalArgumentException error -> refused(error, components, settings, section);
                case NullPointerException error -> refused(error, components, settings, section);
                case RuntimeException error -> error;
                default -> new IllegalStateException(e.getCause());
            };
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
