package io.vireo.control.reconcile;

import io.vireo.control.Resource;
import io.vireo.control.plan.Running;
import io.vireo.resource.Realization;
import io.vireo.resource.Reference;
import io.vireo.resource.Spec;
import java.util.Collection;
import java.util.Collections;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * The actual state: what runs, and what is on its way there or from there. Of the reconciler's
 * thread.
 */
final class Actual {
    /** A running resource, or one that is being realized beside the reconciler. */
    static final class Entry {
        Realization realization;
        Resource resource;
        Set<Reference> references;

        /** Why it must be stopped, to come up again; empty if it need not. */
        Optional<String> doom = Optional.empty();

        boolean closing;

        /** A part that its owner does not have any more: what it made goes with it. */
        boolean takenOut;

        Entry(Resource resource, Set<Reference> references, Realization realization) {
            this.resource = resource;
            this.references = references;
            this.realization = realization;
        }

        boolean isUnderWay() {
            return realization instanceof Undertaking;
        }

        /** Whether it is to go on: nothing stops it. */
        boolean isToStay() {
            return !closing && doom.isEmpty();
        }

        /** Whether it runs, and goes on. */
        boolean isRealized() {
            return isToStay() && !isUnderWay();
        }

        private Running running() {
            return new Running(
                    resource.metadata().uid(),
                    resource.spec(),
                    references,
                    closing ? doom.or(() -> Optional.of("it is being stopped")) : doom);
        }
    }

    private final Map<Reference, Entry> entries = new TreeMap<>();

    void put(Entry entry) {
        entries.put(entry.resource.reference(), entry);
    }

    void remove(Reference reference) {
        entries.remove(reference);
    }

    @Nullable Entry get(Reference reference) {
        return entries.get(reference);
    }

    boolean contains(Reference reference) {
        return entries.containsKey(reference);
    }

    /** All that is there. */
    Set<Reference> references() {
        return Collections.unmodifiableSet(entries.keySet());
    }

    void forEach(BiConsumer<Reference, Entry> action) {
        entries.forEach(action);
    }

    /** What stands for a resource now, whatever becomes of it. */
    Optional<Realization> realization(Reference reference) {
        return Optional.ofNullable(entries.get(reference)).map(entry -> entry.realization);
    }

    /** What others can use. */
    Optional<Realization> realized(Reference reference) {
        return Optional.ofNullable(entries.get(reference))
                .filter(Entry::isRealized)
                .map(entry -> entry.realization);
    }

    boolean isUnderWay(Reference reference) {
        Entry entry = entries.get(reference);
        return entry != null && entry.isUnderWay();
    }

    /** Whether something refers to a resource, or uses it. */
    boolean isUsed(Reference target) {
        return entries.values().stream()
                .anyMatch(entry ->
                        entry.references.contains(target)
                                || entry.realization.uses().contains(target));
    }

    boolean hasPart(Reference owner) {
        return entries.values().stream()
                .anyMatch(entry ->
                        entry.resource.metadata().owner().filter(owner::equals).isPresent());
    }

    Collection<Spec> specs() {
        return entries.values().stream().map(entry -> entry.resource.spec()).toList();
    }

    /** The form of it that the planner compares. */
    Map<Reference, Running> running() {
        Map<Reference, Running> now = new TreeMap<>();
        entries.forEach((reference, entry) -> now.put(reference, entry.running()));
        return now;
    }
}
