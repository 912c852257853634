package io.vireo.fabric.storage;

import io.vireo.resource.Column;
import io.vireo.resource.Progress;
import io.vireo.resource.Spec;
import io.vireo.resource.Status;

/** Numbers of bytes for people. */
final class Capacity {
    private Capacity() {}

    /** A column that shows an attribute which has bytes. */
    static <S extends Spec> Column<S> column(String name, String attribute) {
        return Column.of(name, (_, status) -> text(status, attribute));
    }

    /** The same, for wide tables only. */
    static <S extends Spec> Column<S> wideColumn(String name, String attribute) {
        return Column.wide(name, (_, status) -> text(status, attribute));
    }

    private static String text(Status status, String attribute) {
        String bytes = status.attributes().get(attribute);
        return bytes == null ? "-" : text(Long.parseLong(bytes));
    }

    /** Three digits and a unit, {@code 12.5Gi}. */
    static String text(long bytes) {
        return Progress.bytes(bytes);
    }
}
