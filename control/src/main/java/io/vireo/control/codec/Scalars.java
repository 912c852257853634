package io.vireo.control.codec;

import io.vireo.resource.BitRate;
import io.vireo.resource.IpPrefix;
import io.vireo.resource.MacAddress;
import io.vireo.resource.PortRange;
import io.vireo.resource.Quantity;
import io.vireo.resource.VlanSet;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import tools.jackson.databind.JsonNode;

/**
 * How single values of a spec look in JSON. Value types are strings, enum constants are in lower
 * case with hyphens.
 */
public final class Scalars {
    /**
     * A type of values.
     *
     * @param form what one is, with an example
     */
    private record ValueType(Function<String, Object> parser, String form) {}

    private static final Map<Class<?>, ValueType> VALUE_TYPES =
            Map.of(
                    BitRate.class, new ValueType(BitRate::parse, "a rate like 100M"),
                    Quantity.class, new ValueType(Quantity::parse, "a size like 10Gi"),
                    MacAddress.class,
                            new ValueType(
                                    MacAddress::parse, "a MAC address like '52:54:00:12:34:56'"),
                    IpPrefix.class,
                            new ValueType(
                                    IpPrefix::parse, "an IP address or prefix like 10.0.0.0/8"),
                    VlanSet.class, new ValueType(VlanSet::parse, "VLANs like 10-20,30"),
                    PortRange.class, new ValueType(PortRange::parse, "ports like 80 or 80-90"));

    private Scalars() {}

    /** Whether a type is a value type of ours that JSON shows as a string. */
    public static boolean isValueType(Class<?> type) {
        return VALUE_TYPES.containsKey(type);
    }

    /** The text of an enum constant. */
    public static String text(Enum<?> constant) {
        return constant.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** The texts of all constants of an enum, in their order. */
    public static List<String> texts(Class<?> enumType) {
        return Arrays.stream(enumType.getEnumConstants())
                .map(constant -> text((Enum<?>) constant))
                .toList();
    }

    static Optional<Object> enumConstant(Class<?> enumType, String text) {
        return Arrays.stream(enumType.getEnumConstants())
                .filter(constant -> text((Enum<?>) constant).equals(text))
                .findFirst()
                .map(Object.class::cast);
    }

    /** A string, a number, or a list of such. */
    private static VlanSet vlans(JsonNode node) {
        if (node.isArray()) {
            VlanSet all = VlanSet.NONE;
            for (JsonNode element : node) {
                all = all.plus(vlans(element));
            }
            return all;
        }
        if (node.isInt()) {
            return VlanSet.of(List.of(node.intValue()));
        }
        if (!node.isString()) {
            throw new IllegalArgumentException("must be " + valueType(VlanSet.class).form());
        }
        return VlanSet.parse(node.stringValue());
    }

    /** Reads a value type; a size or rate may also be a whole number of bytes or bit/s. */
    static Object value(Class<?> type, JsonNode node) {
        if (type == BitRate.class && node.isIntegralNumber() && node.canConvertToLong()) {
            return new BitRate(node.longValue());
        }
        if (type == Quantity.class && node.isIntegralNumber() && node.canConvertToLong()) {
            return new Quantity(node.longValue());
        }
        if (type == VlanSet.class) {
            return vlans(node);
        }
        if (type == PortRange.class && node.isInt()) {
            return new PortRange(node.intValue(), node.intValue());
        }
        ValueType known = valueType(type);
        boolean fraction = node.isNumber() && (type == BitRate.class || type == Quantity.class);
        if (!node.isString() && !fraction) {
            throw new IllegalArgumentException("must be " + known.form());
        }
        return known.parser().apply(node.asString());
    }

    private static ValueType valueType(Class<?> type) {
        ValueType known = VALUE_TYPES.get(type);
        if (known == null) {
            throw new IllegalStateException("no parser for " + type);
        }
        return known;
    }
}
