package io.vireo.control;

import io.vireo.resource.Metadata;
import io.vireo.resource.Reference;
import io.vireo.resource.Spec;

/**
 * Desired state of one resource.
 *
 * @param kind what it is, for example {@code Network}
 * @param metadata its name and history
 * @param spec an instance of the kind's {@link io.vireo.resource.ResourceKind#specType()}
 */
public record Resource(String kind, Metadata metadata, Spec spec) {
    public Reference reference() {
        return new Reference(kind, metadata.name());
    }
}
