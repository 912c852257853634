package io.vireo.resource;

import java.util.function.BiFunction;

/**
 * One column of a kind's table.
 *
 * @param name the heading, in upper case
 * @param wide whether it is shown only on request
 * @param value the text of a cell; the status is {@link Status#EMPTY} while the resource is not
 *     realized
 */
public record Column<S extends Spec>(
        String name, boolean wide, BiFunction<S, Status, String> value) {
    /** A column that is always shown. */
    public static <S extends Spec> Column<S> of(String name, BiFunction<S, Status, String> value) {
        return new Column<>(name, false, value);
    }

    /** A column for wide tables only. */
    public static <S extends Spec> Column<S> wide(
            String name, BiFunction<S, Status, String> value) {
        return new Column<>(name, true, value);
    }

    /** A column that shows one attribute of the status. */
    public static <S extends Spec> Column<S> attribute(String name, String attribute) {
        return of(name, (_, status) -> text(status, attribute));
    }

    /** A column for wide tables only that shows one attribute of the status. */
    public static <S extends Spec> Column<S> wideAttribute(String name, String attribute) {
        return wide(name, (_, status) -> text(status, attribute));
    }

    private static String text(Status status, String attribute) {
        return status.attributes().getOrDefault(attribute, "-");
    }
}
