package io.vireo.control;

import io.vireo.resource.Condition;
import io.vireo.resource.DurableState;
import io.vireo.resource.Metadata;
import io.vireo.resource.Realization;
import io.vireo.resource.RealizeContext;
import io.vireo.resource.Reference;
import io.vireo.resource.ResourceKind;
import io.vireo.resource.Spec;
import io.vireo.resource.Status;
import io.vireo.resource.UpdateResult;
import io.vireo.resource.Violation;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A kind that takes any {@link Spec} and checks that it is its own, for code that is generic over
 * kinds.
 */
public final class KindHandle<S extends Spec> {
    private final ResourceKind<S> kind;

    KindHandle(ResourceKind<S> kind) {
        this.kind = kind;
    }

    /** The kind itself. */
    public ResourceKind<S> kind() {
        return kind;
    }

    private S own(Spec spec) {
        return kind.specType().cast(spec);
    }

    public List<Reference> references(Spec spec) {
        return kind.references(own(spec));
    }

    /** See {@link ResourceKind#alsoUses}. */
    public List<Reference> alsoUses(Metadata metadata, Spec spec, DurableState state) {
        return kind.alsoUses(metadata, own(spec), state);
    }

    public List<Violation> validate(Metadata metadata, Spec spec) {
        return kind.validate(metadata, own(spec));
    }

    public List<Violation> validateUpdate(Metadata metadata, Spec oldSpec, Spec newSpec) {
        return kind.validateUpdate(metadata, own(oldSpec), own(newSpec));
    }

    /** See {@link ResourceKind#realizedBeside}. */
    public Optional<Condition> realizedBeside(Spec spec) {
        return kind.realizedBeside(own(spec));
    }

    public Realization realize(Metadata metadata, Spec spec, RealizeContext context) {
        return kind.realize(metadata, own(spec), context);
    }

    /** See {@link ResourceKind#restarts}. */
    public Optional<String> restarts(Spec oldSpec, Spec newSpec) {
        return kind.restarts(own(oldSpec), own(newSpec));
    }

    /** Brings a running resource to another spec, unless that {@link #restarts} it. */
    public UpdateResult update(
            Realization running,
            Metadata metadata,
            Spec oldSpec,
            Spec newSpec,
            RealizeContext context) {
        return restarts(oldSpec, newSpec)
                .<UpdateResult>map(UpdateResult.Recreate::new)
                .orElseGet(
                        () -> kind.update(running, metadata, own(oldSpec), own(newSpec), context));
    }

    public void destroy(Metadata metadata, Spec spec, RealizeContext context) {
        kind.destroy(metadata, own(spec), context);
    }

    /**
     * See {@link ResourceKind#reclaim}.
     *
     * @param declared those of this kind are picked
     */
    public void reclaim(List<Resource> declared, RealizeContext context) {
        kind.reclaim(
                declared.stream()
                        .filter(resource -> resource.kind().equals(kind.kind()))
                        .map(resource ->
                                new ResourceKind.Declared<>(
                                        resource.metadata(), own(resource.spec())))
                        .toList(),
                context);
    }

    /** The cells of the kind's table by column, narrow or wide. */
    public Map<String, String> cells(Spec spec, Status status, boolean wide) {
        Map<String, String> cells = new LinkedHashMap<>();
        for (var column : kind.columns()) {
            if (wide || !column.wide()) {
                cells.put(column.name(), column.value().apply(own(spec), status));
            }
        }
        return cells;
    }
}
