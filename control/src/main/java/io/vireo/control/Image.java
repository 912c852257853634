package io.vireo.control;

import io.vireo.control.profile.ProfileExpansion;
import io.vireo.control.reconcile.Desired;
import io.vireo.resource.Reference;
import io.vireo.resource.spec.Kinds;
import io.vireo.resource.spec.NetworkSpec;
import io.vireo.resource.spec.ServerProfileSpec;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * All desired state at one moment: what users declared and what it expands to. Immutable, a pure
 * function of what is stored.
 */
final class Image {
    private final KindRegistry kinds;
    private final Map<Reference, Resource> stored;
    private final Map<Reference, Resource> derived = new TreeMap<>();
    private final Map<Reference, Set<Reference>> references = new HashMap<>();
    private final Map<Reference, Set<Reference>> needed = new HashMap<>();
    private final Desired desired;

    Image(KindRegistry kinds, Map<Reference, Resource> stored) {
        this.kinds = kinds;
        this.stored = Collections.unmodifiableMap(new TreeMap<>(stored));
        this.stored.values().forEach(this::expand);
        this.stored.values().forEach(this::noteReferences);
        this.derived.values().forEach(this::noteReferences);
        this.desired = computeDesired();
    }

    private void expand(Resource resource) {
        if (resource.spec() instanceof ServerProfileSpec && !deleting(resource)) {
            ProfileExpansion.expand(resource, this::network)
                    .forEach(each -> derived.put(each.reference(), each));
        }
    }

    private Optional<NetworkSpec> network(String name) {
        return find(new Reference(Kinds.NETWORK, name))
                .map(Resource::spec)
                .filter(NetworkSpec.class::isInstance)
                .map(NetworkSpec.class::cast);
    }

    private void noteReferences(Resource resource) {
        Set<Reference> all =
                new TreeSet<>(kinds.byKind(resource.kind()).references(resource.spec()));
        references.put(resource.reference(), all);
        // A profile runs nothing: its parts wait for what they use, each for itself.
        boolean runs = !(resource.spec() instanceof ServerProfileSpec);
        needed.put(resource.reference(), runs ? all : Set.of());
    }

    static boolean deleting(Resource resource) {
        return resource.metadata().deletionRequestedAt().isPresent();
    }

    private Desired computeDesired() {
        Set<Reference> stillNeeded = new HashSet<>();
        stored.keySet().forEach(reference -> stillNeeded.addAll(references(reference)));
        Map<Reference, Resource> run = new TreeMap<>(derived);
        Map<Reference, Resource> remove = new TreeMap<>();
        stored.forEach((reference, resource) ->
                (deleting(resource) && !stillNeeded.contains(reference) ? remove : run)
                        .put(reference, resource));
        return new Desired(
                Collections.unmodifiableMap(run), Collections.unmodifiableMap(remove), needed);
    }

    /** What runs, what goes. */
    Desired desired() {
        return desired;
    }

    /** What users declared. */
    Map<Reference, Resource> stored() {
        return stored;
    }

    /** A declared or derived resource. */
    Optional<Resource> find(Reference reference) {
        Resource resource = stored.get(reference);
        return Optional.ofNullable(resource != null ? resource : derived.get(reference));
    }

    /** All resources of a kind, sorted by name. */
    List<Resource> list(String kind) {
        List<Resource> found = new ArrayList<>();
        stored.values().stream()
                .filter(resource -> resource.kind().equals(kind))
                .forEach(found::add);
        derived.values().stream()
                .filter(resource -> resource.kind().equals(kind))
                .forEach(found::add);
        return found;
    }

    /** What a resource owns. */
    List<Resource> owned(Reference owner) {
        return derived.values().stream()
                .filter(resource -> resource.metadata().owner().filter(owner::equals).isPresent())
                .toList();
    }

    Set<Reference> references(Reference reference) {
        return references.getOrDefault(reference, Set.of());
    }

    /** Declared resources that refer to this one, or to what it owns, and are not being deleted. */
    List<Reference> users(Reference target) {
        Set<Reference> targets = new HashSet<>();
        targets.add(target);
        owned(target).forEach(part -> targets.add(part.reference()));
        return stored.values().stream()
                .filter(resource -> !deleting(resource))
                .map(Resource::reference)
                .filter(user -> !Collections.disjoint(references(user), targets))
                .toList();
    }

    /** A circle of references through this resource, if there is one. */
    boolean isCircular(Reference start) {
        Set<Reference> seen = new HashSet<>();
        List<Reference> open = new ArrayList<>(references(start));
        while (!open.isEmpty()) {
            Reference next = open.removeLast();
            if (next.equals(start)) {
                return true;
            }
            if (seen.add(next)) {
                open.addAll(references(next));
            }
        }
        return false;
    }
}
