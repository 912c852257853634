package io.vireo.control.plan;

import io.vireo.resource.Reference;

/**
 * One step from what runs to what is wanted.
 *
 * @param verb what is done
 * @param target to which resource
 * @param reason why, in a few words for people
 */
public record Action(Verb verb, Reference target, String reason) {
    /** What is done to a resource. */
    public enum Verb {
        /** Stop it. */
        DELETE,
        /** Start it. */
        CREATE,
        /**
         * Change it while it runs; if its kind cannot, it is deleted and created with all that
         * refer to it.
         */
        UPDATE
    }
}
