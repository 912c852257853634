package io.vireo.control.plan;

import io.vireo.control.codec.SpecWriter;
import io.vireo.resource.Spec;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * The fields in which two specs differ. Entries of a list are told apart by what names them, where
 * they all have such a field, and by their place where there are as many as before.
 */
final class SpecDiff {
    /** Fields that name an entry of a list among the others, the best first. */
    private static final List<String> KEYS = List.of("name", "path", "label", "lun");

    private final List<Change> changes = new ArrayList<>();

    private SpecDiff() {}

    /** The changes that make one spec the other, in the order of their fields. */
    static List<Change> between(Spec before, Spec after) {
        return between("", SpecWriter.write(before), SpecWriter.write(after));
    }

    /**
     * The changes that make one object the other.
     *
     * @param prefix what the names of fields begin with
     */
    static List<Change> between(String prefix, JsonNode before, JsonNode after) {
        var diff = new SpecDiff();
        diff.fields(prefix, before, after);
        return List.copyOf(diff.changes);
    }

    private void fields(String prefix, JsonNode before, JsonNode after) {
        Set<String> names = new LinkedHashSet<>(before.propertyNames());
        names.addAll(after.propertyNames());
        for (String name : names) {
            values(prefix + name, before.get(name), after.get(name));
        }
    }

    private void values(String at, @Nullable JsonNode before, @Nullable JsonNode after) {
        if (before == null || after == null) {
            change(at, before, after);
        } else if (before.isObject() && after.isObject()) {
            fields(at + ".", before, after);
        } else if (before.isArray() && after.isArray()) {
            lists(at, before, after);
        } else if (!before.equals(after)) {
            change(at, before, after);
        }
    }

    private void change(String at, @Nullable JsonNode before, @Nullable JsonNode after) {
        changes.add(new Change(at, Optional.ofNullable(before), Optional.ofNullable(after)));
    }

    private void lists(String at, JsonNode before, JsonNode after) {
        if (before.equals(after)) {
            return;
        }
        Optional<String> key = KEYS.stream().filter(each -> isKey(each, before, after)).findFirst();
        if (key.isPresent()) {
            named(at, byKey(key.get(), before), byKey(key.get(), after));
        } else if (before.size() == after.size() && areObjects(before) && areObjects(after)) {
            for (int i = 0; i < before.size(); i++) {
                values(at + "[" + i + "]", before.get(i), after.get(i));
            }
        } else {
            change(at, before, after);
        }
    }

    private static boolean areObjects(JsonNode list) {
        return list.values().stream().allMatch(JsonNode::isObject);
    }

    private static boolean isKey(String key, JsonNode before, JsonNode after) {
        return List.of(before, after).stream()
                .allMatch(list -> {
                    Set<String> found = new TreeSet<>();
                    return list.values().stream()
                            .allMatch(entry ->
                                    entry.has(key) && found.add(entry.get(key).asString()));
                });
    }

    private static Map<String, JsonNode> byKey(String key, JsonNode list) {
        Map<String, JsonNode> entries = new LinkedHashMap<>();
        list.values().forEach(entry -> entries.put(entry.get(key).asString(), entry));
        return entries;
    }

    private void named(String at, Map<String, JsonNode> before, Map<String, JsonNode> after) {
        Set<String> names = new LinkedHashSet<>(before.keySet());
        names.addAll(after.keySet());
        names.forEach(name -> values(at + "[" + name + "]", before.get(name), after.get(name)));
        List<String> stay = common(before, after);
        List<String> order = common(after, before);
        if (!stay.equals(order)) {
            change(at, SpecWriter.strings(stay), SpecWriter.strings(order));
        }
    }

    private static List<String> common(Map<String, JsonNode> list, Map<String, JsonNode> other) {
        return list.keySet().stream().filter(other::containsKey).toList();
    }
}
