package io.vireo.control.codec;

import java.lang.reflect.RecordComponent;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * Writes a record as the JSON object that {@link SpecBinder} reads back; absent values and empty
 * lists are left out.
 */
public final class SpecWriter {
    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

    private SpecWriter() {}

    /** The object for a record. */
    public static ObjectNode write(Object record) {
        ObjectNode object = JSON.objectNode();
        for (RecordComponent component : record.getClass().getRecordComponents()) {
            value(read(component, record)).ifPresent(node -> object.set(component.getName(), node));
        }
        return object;
    }

    /** A list of strings. */
    public static ArrayNode strings(List<String> texts) {
        ArrayNode array = JSON.arrayNode();
        texts.forEach(array::add);
        return array;
    }

    private static Object read(RecordComponent component, Object record) {
        try {
            return component.getAccessor().invoke(record);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(
                    record.getClass() + " must be a public record in an exported package", e);
        }
    }

    private static Optional<JsonNode> value(Object value) {
        return switch (value) {
            case Optional<?> optional -> optional.flatMap(SpecWriter::value);
            case OptionalInt optional ->
                    optional.isPresent()
                            ? Optional.of(JSON.numberNode(optional.getAsInt()))
                            : Optional.empty();
            case List<?> list -> list(list);
            case Map<?, ?> map -> map(map);
            case String text -> Optional.of(JSON.stringNode(text));
            case Integer number -> Optional.of(JSON.numberNode(number));
            case Long number -> Optional.of(JSON.numberNode(number));
            case Boolean bool -> Optional.of(JSON.booleanNode(bool));
            case Enum<?> constant -> Optional.of(JSON.stringNode(Scalars.text(constant)));
            default ->
                    Optional.of(
                            Scalars.isValueType(value.getClass())
                                    ? JSON.stringNode(value.toString())
                                    : write(value));
        };
    }

    private static Optional<JsonNode> list(List<?> list) {
        if (list.isEmpty()) {
            return Optional.empty();
        }
        ArrayNode array = JSON.arrayNode();
        list.forEach(element -> value(element).ifPresent(array::add));
        return Optional.of(array);
    }

    private static Optional<JsonNode> map(Map<?, ?> map) {
        if (map.isEmpty()) {
            return Optional.empty();
        }
        ObjectNode object = JSON.objectNode();
        map.forEach((key, element) -> object.put(String.valueOf(key), String.valueOf(element)));
        return Optional.of(object);
    }
}
