package io.vireo.control.codec;

import io.vireo.resource.Reference;
import io.vireo.resource.Spec;
import java.util.Map;
import java.util.OptionalLong;

/**
 * A resource as a user wrote it, checked for form.
 *
 * @param revision the revision that the user has seen, if it was given: the change applies only to
 *     that one
 */
public record Manifest(
        String kind,
        String name,
        Map<String, String> labels,
        Map<String, String> annotations,
        OptionalLong revision,
        Spec spec) {
    public Reference reference() {
        return new Reference(kind, name);
    }
}
