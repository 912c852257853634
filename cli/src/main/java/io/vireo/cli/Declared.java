package io.vireo.cli;

import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Resources as they are sent, and where each of them is from, so that what is wrong with one can be
 * told by its file and name.
 *
 * @param files for each resource what it was read from
 */
record Declared(List<ObjectNode> resources, List<String> files) {
    private static final Pattern ITEM = Pattern.compile("/items/(\\d{1,6})(/.*)?");

    /**
     * Where something is, for people.
     *
     * @param pointer as the daemon tells it: from the root of what was sent, or, of a resource that
     *     was sent alone, from the root of that
     */
    String place(String pointer) {
        Matcher item = ITEM.matcher(pointer);
        if (item.matches() && Integer.parseInt(item.group(1)) < resources.size()) {
            return place(
                    Integer.parseInt(item.group(1)), item.group(2) == null ? "" : item.group(2));
        }
        return resources.size() == 1 ? place(0, pointer) : pointer;
    }

    private String place(int index, String rest) {
        ObjectNode resource = resources.get(index);
        String title =
                word(resource.path("kind")) + "/" + word(resource.path("metadata").path("name"));
        return files.get(index) + ": " + title + (rest.isEmpty() ? "" : ": " + rest);
    }

    private static String word(JsonNode node) {
        return node.asString("").isEmpty() ? "?" : node.asString();
    }
}
