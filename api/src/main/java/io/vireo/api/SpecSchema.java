package io.vireo.api;

import io.vireo.control.codec.Scalars;
import io.vireo.resource.BitRate;
import io.vireo.resource.Field;
import io.vireo.resource.IpPrefix;
import io.vireo.resource.MacAddress;
import io.vireo.resource.PortRange;
import io.vireo.resource.Quantity;
import io.vireo.resource.VlanSet;
import java.lang.reflect.ParameterizedType;
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
 * JSON schemas (draft 2020-12, as OpenAPI 3.1 uses them) of spec records; the same rules that the
 * binder enforces.
 */
final class SpecSchema {
    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

    private SpecSchema() {}

    static ObjectNode of(Class<?> record) {
        ObjectNode schema = JSON.objectNode();
        schema.put("type", "object");
        schema.put("additionalProperties", false);
        ObjectNode properties = schema.putObject("properties");
        ArrayNode required = JSON.arrayNode();
        for (RecordComponent component : record.getRecordComponents()) {
            Field field = component.getAnnotation(Field.class);
            ObjectNode property = property(component, field);
            property.put("description", field.value());
            properties.set(component.getName(), property);
            if (isRequired(component, field)) {
                required.add(component.getName());
            }
        }
        if (!required.isEmpty()) {
            schema.set("required", required);
        }
        return schema;
    }

    private static boolean isRequired(RecordComponent component, Field field) {
        Class<?> type = component.getType();
        boolean optional =
                type == Optional.class
                        || type == OptionalInt.class
                        || type == List.class
                        || type == Map.class;
        return !optional && field.defaultValue().isEmpty();
    }

    private static ObjectNode property(RecordComponent component, Field field) {
        Class<?> type = component.getType();
        if (type == Optional.class) {
            return scalar(argument(component, 0), field);
        }
        if (type == OptionalInt.class) {
            return scalar(int.class, field);
        }
        if (type == List.class) {
            ObjectNode list = JSON.objectNode().put("type", "array");
            list.put("maxItems", field.maxLength());
            list.set("items", scalar(argument(component, 0), field));
            return list;
        }
        if (type == Map.class) {
            ObjectNode map = JSON.objectNode().put("type", "object");
            map.putObject("additionalProperties")
                    .put("type", "string")
                    .put("maxLength", field.maxLength());
            return map;
        }
        ObjectNode schema = scalar(type, field);
        if (!field.defaultValue().isEmpty()) {
            schema.set("default", defaultValue(type, field.defaultValue()));
        }
        return schema;
    }

    private static JsonNode defaultValue(Class<?> type, String text) {
        if (type == boolean.class) {
            return JSON.booleanNode(Boolean.parseBoolean(text));
        }
        return type == int.class || type == long.class
                ? JSON.numberNode(Long.parseLong(text))
                : JSON.stringNode(text);
    }

    private static Class<?> argument(RecordComponent component, int index) {
        return (Class<?>)
                ((ParameterizedType) component.getGenericType()).getActualTypeArguments()[index];
    }

    private static ObjectNode scalar(Class<?> type, Field field) {
        ObjectNode schema = JSON.objectNode();
        if (type == String.class) {
            schema.put("type", "string").put("maxLength", field.maxLength());
            if (!field.pattern().isEmpty()) {
                schema.put("pattern", "^(" + field.pattern() + ")$");
            }
        } else if (type == boolean.class || type == Boolean.class) {
            schema.put("type", "boolean");
        } else if (type == int.class
                || type == long.class
                || type == Integer.class
                || type == Long.class) {
            schema.put("type", "integer");
            if (field.min() != Long.MIN_VALUE) {
                schema.put("minimum", field.min());
            }
            if (field.max() != Long.MAX_VALUE) {
                schema.put("maximum", field.max());
            }
        } else if (type.isEnum()) {
            ArrayNode values = schema.put("type", "string").putArray("enum");
            Scalars.texts(type).forEach(values::add);
        } else if (type == Quantity.class) {
            schema.putArray("type").add("string").add("integer");
            schema.set("examples", JSON.arrayNode().add("10Gi").add(10_737_418_240L));
        } else if (type == BitRate.class) {
            schema.putArray("type").add("string").add("integer");
            schema.set("examples", JSON.arrayNode().add("2.5G").add(100_000_000L));
        } else if (type == MacAddress.class) {
            schema.put("type", "string").put("pattern", "^" + MacAddress.PATTERN + "$");
        } else if (type == IpPrefix.class) {
            schema.put("type", "string");
            schema.set("examples", JSON.arrayNode().add("10.0.0.0/24").add("fd00::1"));
        } else if (type == PortRange.class) {
            schema.putArray("type").add("string").add("integer");
            schema.set("examples", JSON.arrayNode().add("1024-65535").add(80));
        } else if (type == VlanSet.class) {
            schema.putArray("type").add("string").add("integer").add("array");
            schema.putObject("items").putArray("type").add("string").add("integer");
            schema.set("examples", JSON.arrayNode().add("10-20,30").add(10));
        } else {
            return of(type);
        }
        return schema;
    }
}
