package io.vireo.fabric.storage;

import io.vireo.resource.Column;
import io.vireo.resource.Spec;
import java.util.Locale;

/** Numbers of bytes for people. */
final class Capacity {
    private static final String[] UNITS = {"B", "Ki", "Mi", "Gi", "Ti", "Pi"};

    private Capacity() {}

    /** A column that shows an attribute which has bytes. */
    static <S extends Spec> Column<S> column(String name, String attribute) {
        return Column.of(
                name,
                (_, status) -> {
                    String bytes = status.attributes().get(attribute);
                    return bytes == null ? "-" : text(Long.parseLong(bytes));
                });
    }

    /** Three digits and a unit, {@code 12.5Gi}. */
    static String text(long bytes) {
        double value = bytes;
        int unit = 0;
        while (value >= 1024 && unit + 1 < UNITS.length) {
            value /= 1024;
            unit++;
        }
        boolean whole = value == Math.rint(value) || value >= 100;
        return String.format(Locale.ROOT, whole ? "%.0f%s" : "%.1f%s", value, UNITS[unit]);
    }
}
