package io.vireo.fabric.storage;

import io.vireo.block.PoolContent;
import io.vireo.resource.Names;
import io.vireo.resource.spec.Kinds;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * What is in a pool, as resources that take it over: {@code {"items": [...], "left": [...]}}, where
 * {@code left} has a sentence for each thing that no resource can take over.
 */
final class PoolContents {
    private static final String UNFINISHED = ".import";

    private PoolContents() {}

    static String json(String pool, List<PoolContent> contents) {
        Set<String> unfinished =
                contents.stream()
                        .map(PoolContent::name)
                        .filter(name -> name.endsWith(UNFINISHED))
                        .collect(Collectors.toCollection(HashSet::new));
        var items = new ArrayList<String>();
        var left = new ArrayList<String>();
        for (PoolContent each : contents) {
            if (each.snapshot()) {
                addSnapshot(each, items, left);
            } else if (unfinished.contains(each.name())) {
                continue;
            } else if (!Names.isLabel(each.name())) {
                // Whoever made the disk may have chosen it: it is not repeated.
                left.add("a vDisk has a name that is none of Vireo's");
            } else if (unfinished.contains(each.name() + UNFINISHED)) {
                left.add("vDisk " + each.name() + " was being imported and is not complete");
            } else {
                items.add(vdisk(pool, each));
            }
        }
        return "{\"items\":[%s],\"left\":[%s]}"
                .formatted(
                        String.join(",", items),
                        left.stream().map(s -> '"' + s + '"').collect(Collectors.joining(",")));
    }

    private static String vdisk(String pool, PoolContent volume) {
        return """
        {"apiVersion":"vireo/v1","kind":"%s","metadata":{"name":"%s"},\
        "spec":{"pool":"%s","size":"%d","blockSize":%d,"physicalBlockSize":%d,"allocation":"%s","encrypted":%s%s}}\
        """
                .formatted(
                        Kinds.VDISK,
                        volume.name(),
                        pool,
                        volume.format().capacity(),
                        volume.format().logicalBlockSize(),
                        volume.format().physicalBlockSize(),
                        volume.thick() ? "thick" : "thin",
                        volume.format().encrypted(),
                        volume.format().checksums() ? ",\"checksums\":true" : "");
    }

    private static void addSnapshot(PoolContent each, List<String> items, List<String> left) {
        String of = each.snapshotOf().orElse("");
        int slash = each.name().indexOf('/');
        String group = slash < 0 ? "" : each.name().substring(0, slash);
        String name = slash < 0 ? each.name() : group + "-" + each.name().substring(slash + 1);
        if (!Names.isLabel(name) || !(group.isEmpty() || Names.isLabel(group))) {
            left.add("a snapshot has a name that is none of Vireo's, or one that is too long");
        } else if (!Names.isLabel(of)) {
            left.add("snapshot " + name + " is of a vDisk that is gone");
        } else {
            items.add(
                    """
                    {"apiVersion":"vireo/v1","kind":"%s","metadata":{"name":"%s"},"spec":{"vdisk":"%s"%s}}\
                    """
                            .formatted(
                                    Kinds.SNAPSHOT,
                                    name,
                                    of,
                                    group.isEmpty() ? "" : ",\"from\":\"" + group + '"'));
        }
    }
}
