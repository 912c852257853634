package io.vireo.control.reconcile;

import io.vireo.resource.Realization;
import io.vireo.resource.Reference;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.function.BiConsumer;

/**
 * Has what runs get back what the host took from it. What fails in it is a bug, and is logged once
 * until it is another one, however often it is tried. On the reconciler's thread.
 */
final class Mending {
    /** What was logged last of resources whose mending fails. */
    private final Map<Reference, String> failures = new HashMap<>();

    private final BiConsumer<Reference, RuntimeException> log;

    Mending(BiConsumer<Reference, RuntimeException> log) {
        this.log = log;
    }

    /** Whether a resource has all that it needs of the host, or cannot be mended at all. */
    boolean isWhole(Reference reference, Realization realization) {
        try {
            boolean whole = realization.mend();
            failures.remove(reference);
            return whole;
        } catch (RuntimeException e) {
            if (!e.toString().equals(failures.put(reference, e.toString()))) {
                log.accept(reference, e);
            }
            return true;
        }
    }

    /** Only these are there. */
    void retain(Collection<Reference> present) {
        failures.keySet().retainAll(present);
    }
}
