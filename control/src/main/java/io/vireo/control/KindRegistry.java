package io.vireo.control;

import io.vireo.resource.ErrorCode;
import io.vireo.resource.ResourceException;
import io.vireo.resource.ResourceKind;
import io.vireo.resource.Spec;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/** The kinds that this daemon knows. Immutable. */
public final class KindRegistry {
    private final Map<String, KindHandle<?>> byKind = new TreeMap<>();

    /**
     * @throws IllegalArgumentException if two kinds claim the same name
     */
    public KindRegistry(Collection<? extends ResourceKind<?>> kinds) {
        Set<String> plurals = new HashSet<>();
        for (ResourceKind<?> kind : kinds) {
            KindHandle<?> handle = handle(kind);
            if (byKind.put(kind.kind(), handle) != null || !plurals.add(kind.plural())) {
                throw new IllegalArgumentException(
                        "two kinds are named " + kind.kind() + " or " + kind.plural());
            }
        }
    }

    private static <S extends Spec> KindHandle<S> handle(ResourceKind<S> kind) {
        return new KindHandle<>(kind);
    }

    /** All kinds, sorted by name. */
    public List<KindHandle<?>> all() {
        return List.copyOf(byKind.values());
    }

    /** The kind with this name, if there is one. */
    public Optional<KindHandle<?>> find(String kind) {
        return Optional.ofNullable(byKind.get(kind));
    }

    /**
     * The kind with this name.
     *
     * @throws ResourceException with {@link ErrorCode#NOT_FOUND}
     */
    public KindHandle<?> byKind(String kind) {
        return find(kind)
                .orElseThrow(() ->
                        new ResourceException(
                                ErrorCode.NOT_FOUND,
                                "there is no kind '"
                                        + kind
                                        + "'; known are "
                                        + String.join(", ", byKind.keySet())));
    }
}
