package io.vireo.resource;

import java.util.List;

/**
 * One rule that a resource breaks.
 *
 * @param pointer where, as a JSON pointer (RFC 6901) from the root of the resource: {@code
 *     /spec/vnics/0/mac}
 * @param message what is wrong and what would be right
 */
public record Violation(String pointer, String message) {
    /**
     * The rule that something stays what it was made as.
     *
     * @param instead what to do instead, beginning with a verb: {@code make another group}
     * @return none if both are equal
     */
    public static List<Violation> ofChange(
            String pointer, Object before, Object after, String instead) {
        return before.equals(after)
                ? List.of()
                : List.of(new Violation(pointer, "cannot change: " + instead));
    }
}
