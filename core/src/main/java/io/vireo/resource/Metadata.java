package io.vireo.resource;

import java.time.Instant;
import java.util.Collections;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * What is known of a resource besides its spec.
 *
 * @param name the name, unique within its kind
 * @param labels short key and value pairs for selection; sorted by key
 * @param annotations free-form notes; sorted by key
 * @param uid identifies this incarnation: a resource deleted and created again has another one
 * @param generation counts changes of the spec, from 1
 * @param revision the store's revision of the last change of any part
 * @param createdAt when the resource was first stored
 * @param updatedAt when the resource was last changed
 * @param deletionRequestedAt when its deletion was asked for; it exists until everything it runs
 *     has stopped
 * @param owner the resource that it was derived from; such a resource is changed through its owner
 *     only
 */
public record Metadata(
        String name,
        Map<String, String> labels,
        Map<String, String> annotations,
        String uid,
        long generation,
        long revision,
        Instant createdAt,
        Instant updatedAt,
        Optional<Instant> deletionRequestedAt,
        Optional<Reference> owner) {
    public Metadata {
        labels = Collections.unmodifiableMap(new TreeMap<>(labels));
        annotations = Collections.unmodifiableMap(new TreeMap<>(annotations));
    }

    /** The same at another revision of the store. */
    public Metadata withRevision(long newRevision) {
        return new Metadata(
                name,
                labels,
                annotations,
                uid,
                generation,
                newRevision,
                createdAt,
                updatedAt,
                deletionRequestedAt,
                owner);
    }

    /** The same, changed at {@code now}: its deletion was asked for then. */
    public Metadata deleted(Instant now) {
        return new Metadata(
                name,
                labels,
                annotations,
                uid,
                generation,
                revision,
                createdAt,
                now,
                Optional.of(now),
                owner);
    }

    /** Metadata of a resource that has just been created, without labels, annotations or owner. */
    public static Metadata of(String name, String uid) {
        return new Metadata(
                name,
                Map.of(),
                Map.of(),
                uid,
                1,
                0,
                Instant.EPOCH,
                Instant.EPOCH,
                Optional.empty(),
                Optional.empty());
    }
}
