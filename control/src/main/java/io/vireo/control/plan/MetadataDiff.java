package io.vireo.control.plan;

import io.vireo.control.Resource;
import io.vireo.resource.Metadata;
import io.vireo.resource.Reference;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** In which labels and annotations resources differ: what of their metadata people declare. */
public final class MetadataDiff {
    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

    private MetadataDiff() {}

    /** The changes of those that are there before and afterwards, and have some. */
    public static Map<Reference, List<Change>> between(
            Map<Reference, Resource> before, Map<Reference, Resource> after) {
        Map<Reference, List<Change>> all = new TreeMap<>();
        after.forEach((reference, resource) -> {
            Resource earlier = before.get(reference);
            if (earlier != null) {
                List<Change> changes =
                        SpecDiff.between(
                                "metadata.",
                                declared(earlier.metadata()),
                                declared(resource.metadata()));
                if (!changes.isEmpty()) {
                    all.put(reference, changes);
                }
            }
        });
        return all;
    }

    private static ObjectNode declared(Metadata metadata) {
        ObjectNode node = JSON.objectNode();
        metadata.labels().forEach(node.putObject("labels")::put);
        metadata.annotations().forEach(node.putObject("annotations")::put);
        return node;
    }
}
