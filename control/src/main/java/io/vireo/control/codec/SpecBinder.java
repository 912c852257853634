package io.vireo.control.codec;

import io.vireo.resource.Field;
import io.vireo.resource.Violation;
import io.vireo.resource.spec.Forms;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;

/**
 * Makes a record from a JSON object. Nothing is guessed: a wrong type, an unknown field, a missing
 * one or a value out of its range is a violation with its pointer, and all of them are collected
 * before the answer is given.
 */
public final class SpecBinder {
    private final List<Violation> violations = new ArrayList<>();

    /** The violations found so far. */
    public List<Violation> violations() {
        return List.copyOf(violations);
    }

    /** Records a violation found by somebody else. */
    public void report(String pointer, String message) {
        violations.add(new Violation(pointer, message));
    }

    /**
     * Binds an object.
     *
     * @param pointer where the object is in its document
     * @return the record, or empty if anything in it was a violation
     */
    public <R> Optional<R> bind(JsonNode node, Class<R> type, String pointer) {
        RecordComponent[] components = type.getRecordComponents();
        List<String> names = Arrays.stream(components).map(RecordComponent::getName).toList();
        if (!node.isObject()) {
            report(pointer, "must be an object with fields of " + String.join(", ", names));
            return Optional.empty();
        }
        int before = violations.size();
        reportUnknown(node, names, pointer);
        Object[] values = new Object[components.length];
        for (int i = 0; i < components.length; i++) {
            Optional<Object> value = component(components[i], node, pointer);
            if (value.isPresent()) {
                values[i] = value.get();
            }
        }
        return violations.size() > before
                ? Optional.empty()
                : construct(type, components, values, pointer);
    }

    /** Reports every field of an object that is not among the known ones. */
    public void reportUnknown(JsonNode object, List<String> known, String pointer) {
        for (String name : object.propertyNames()) {
            if (!known.contains(name)) {
                report(
                        child(pointer, name),
                        "is not a field here; "
                                + meant(name, known)
                                + "known are "
                                + String.join(", ", known));
            }
        }
    }

    /** The field that a name is but for case, hyphens or an s, for people. */
    private static String meant(String name, List<String> known) {
        return known.stream()
                .filter(each -> bare(each).equals(bare(name)))
                .findFirst()
                .map(each -> "write " + each + "; ")
                .orElse("");
    }

    private static String bare(String name) {
        String letters = name.toLowerCase(Locale.ROOT).replaceAll("[-_]", "");
        return letters.endsWith("s") ? letters.substring(0, letters.length() - 1) : letters;
    }

    private <R> Optional<R> construct(
            Class<R> type, RecordComponent[] components, Object[] values, String pointer) {
        Class<?>[] types =
                Arrays.stream(components).map(RecordComponent::getType).toArray(Class<?>[]::new);
        try {
            Constructor<R> constructor = type.getDeclaredConstructor(types);
            return Optional.of(constructor.newInstance(values));
        } catch (InvocationTargetException e) {
            if (e.getCause() instanceof IllegalArgumentException refused) {
                report(pointer, String.valueOf(refused.getMessage()));
                return Optional.empty();
            }
            throw new IllegalStateException("the constructor of " + type + " failed", e);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(
                    type + " must be a public record in an exported package", e);
        }
    }

    private Optional<Object> component(RecordComponent component, JsonNode object, String pointer) {
        Field field = component.getAnnotation(Field.class);
        if (field == null) {
            throw new IllegalStateException(component + " has no @Field");
        }
        String at = child(pointer, component.getName());
        JsonNode node = object.get(component.getName());
        boolean absent = node == null || node.isNull();
        Class<?> raw = component.getType();
        if (raw == Optional.class) {
            Type argument = argument(component.getGenericType(), 0);
            return absent
                    ? Optional.of(Optional.empty())
                    : one((Class<?>) argument, node, field, at).map(Optional::of);
        }
        if (raw == OptionalInt.class) {
            return absent
                    ? Optional.of(OptionalInt.empty())
                    : one(int.class, node, field, at)
                            .map(number -> OptionalInt.of((Integer) number));
        }
        if (raw == List.class) {
            Class<?> element = (Class<?>) argument(component.getGenericType(), 0);
            return absent ? Optional.of(List.of()) : list(element, node, field, at);
        }
        if (raw == Map.class) {
            return absent
                    ? Optional.of(Map.of())
                    : stringMap(node, field, at).map(Object.class::cast);
        }
        if (!absent) {
            return one(raw, node, field, at);
        }
        if (field.defaultValue().isEmpty()) {
            report(at, "is required: " + field.value());
            return Optional.empty();
        }
        return one(raw, defaultNode(raw, field.defaultValue()), field, at);
    }

    /** The default of a field as JSON. */
    static JsonNode defaultNode(Class<?> type, String text) {
        JsonNodeFactory factory = JsonNodeFactory.instance;
        if (type == boolean.class) {
            return factory.booleanNode(Boolean.parseBoolean(text));
        }
        return type == int.class || type == long.class
                ? factory.numberNode(Long.parseLong(text))
                : factory.stringNode(text);
    }

    private Optional<Object> list(Class<?> element, JsonNode node, Field field, String at) {
        if (!node.isArray()) {
            report(at, "must be a list");
            return Optional.empty();
        }
        if (node.size() > field.maxLength()) {
            report(
                    at,
                    "has "
                            + node.size()
                            + " entries; at most "
                            + field.maxLength()
                            + " are allowed");
            return Optional.empty();
        }
        int before = violations.size();
        List<Object> values = new ArrayList<>();
        for (int i = 0; i < node.size(); i++) {
            one(element, node.get(i), field, at + "/" + i).ifPresent(values::add);
        }
        return violations.size() > before ? Optional.empty() : Optional.of(List.copyOf(values));
    }

    /** A map of short strings, as labels are. */
    Optional<Map<String, String>> stringMap(JsonNode node, Field field, String at) {
        return stringMap(node, field.maxLength(), at);
    }

    Optional<Map<String, String>> stringMap(JsonNode node, int maxLength, String at) {
        if (!node.isObject()) {
            report(at, "must be an object of strings");
            return Optional.empty();
        }
        Map<String, String> map = new LinkedHashMap<>();
        int before = violations.size();
        for (var property : node.properties()) {
            String entry = child(at, property.getKey());
            if (property.getKey().isEmpty() || property.getKey().length() > 255) {
                report(entry, "a key has 1 to 255 characters");
            }
            string(property.getValue(), maxLength, entry)
                    .ifPresent(text -> map.put(property.getKey(), text));
        }
        return violations.size() > before ? Optional.empty() : Optional.of(map);
    }

    private Optional<Object> one(Class<?> type, JsonNode node, Field field, String at) {
        if (type == String.class) {
            return string(node, field.maxLength(), at)
                    .filter(text -> hasForm(text, field, at))
                    .map(Object.class::cast);
        }
        if (type == int.class
                || type == Integer.class
                || type == long.class
                || type == Long.class) {
            return number(type, node, field, at);
        }
        if (type == boolean.class || type == Boolean.class) {
            if (!node.isBoolean()) {
                report(at, "must be true or false");
                return Optional.empty();
            }
            return Optional.of(node.booleanValue());
        }
        if (type.isEnum()) {
            Optional<Object> constant =
                    node.isString()
                            ? Scalars.enumConstant(type, node.stringValue())
                            : Optional.empty();
            if (constant.isEmpty()) {
                report(at, "must be one of " + String.join(", ", Scalars.texts(type)));
            }
            return constant;
        }
        if (Scalars.isValueType(type)) {
            return value(type, node, at);
        }
        return bind(node, type, at).map(Object.class::cast);
    }

    private Optional<Object> value(Class<?> type, JsonNode node, String at) {
        try {
            return Optional.of(Scalars.value(type, node));
        } catch (IllegalArgumentException e) {
            report(at, String.valueOf(e.getMessage()));
            return Optional.empty();
        }
    }

    private Optional<Object> number(Class<?> type, JsonNode node, Field field, String at) {
        boolean narrow = type == int.class || type == Integer.class;
        long min = Math.max(field.min(), narrow ? Integer.MIN_VALUE : Long.MIN_VALUE);
        long max = Math.min(field.max(), narrow ? Integer.MAX_VALUE : Long.MAX_VALUE);
        if (!node.isIntegralNumber()) {
            report(at, "must be a whole number" + (isQuoted(node) ? ", without quotes" : ""));
            return Optional.empty();
        }
        if (!node.canConvertToLong() || node.longValue() < min || node.longValue() > max) {
            report(at, "must be from " + min + " to " + max);
            return Optional.empty();
        }
        if (narrow) {
            return Optional.of(node.intValue());
        }
        return Optional.of(node.longValue());
    }

    private static boolean isQuoted(JsonNode number) {
        return number.isString() && number.stringValue().matches("-?\\d{1,19}");
    }

    /** What is wrong with something that is to be a string. */
    static String noString(JsonNode node) {
        return "must be a string"
                + (node.isNumber() || node.isBoolean()
                        ? ": write it in quotes, \"" + node.asString() + "\""
                        : "");
    }

    private Optional<String> string(JsonNode node, int maxLength, String at) {
        if (!node.isString()) {
            report(at, noString(node));
            return Optional.empty();
        }
        String text = node.stringValue();
        if (text.length() > maxLength) {
            report(
                    at,
                    "has " + text.length() + " characters; at most " + maxLength + " are allowed");
            return Optional.empty();
        }
        return Optional.of(text);
    }

    private boolean hasForm(String text, Field field, String at) {
        boolean has =
                field.pattern().isEmpty()
                        || Pattern.compile(field.pattern()).matcher(text).matches();
        if (!has) {
            report(
                    at,
                    "'%s' is not what belongs here; write %s"
                            .formatted(text, Forms.of(field.pattern()).text()));
        }
        return has;
    }

    private static Type argument(Type generic, int index) {
        return ((ParameterizedType) generic).getActualTypeArguments()[index];
    }

    /** The pointer of a field below another pointer, RFC 6901 section 3. */
    public static String child(String pointer, String name) {
        return pointer + "/" + name.replace("~", "~0").replace("/", "~1");
    }
}
