package io.vireo.control.testing;

import io.vireo.resource.Column;
import io.vireo.resource.Condition;
import io.vireo.resource.LiveStream;
import io.vireo.resource.Metadata;
import io.vireo.resource.Operation;
import io.vireo.resource.Parameter;
import io.vireo.resource.Realization;
import io.vireo.resource.RealizeContext;
import io.vireo.resource.Reference;
import io.vireo.resource.ResourceKind;
import io.vireo.resource.Spec;
import io.vireo.resource.UpdateResult;
import io.vireo.resource.spec.Kinds;
import io.vireo.resource.spec.VnicSpec;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;

/** A kind whose resources pretend to run. */
record FakeKind<S extends Spec>(
        FakeWorld world,
        String kind,
        String plural,
        List<String> shortNames,
        Class<S> specType,
        boolean derived,
        Function<S, List<Reference>> uses,
        List<Column<S>> columns)
        implements ResourceKind<S> {
    @Override
    public String description() {
        return "A " + kind + " for tests.";
    }

    @Override
    public List<Reference> references(S spec) {
        return uses.apply(spec);
    }

    /** Cards offer a stream that repeats its parameter. */
    @Override
    public List<LiveStream.Offer> streams() {
        return kind.equals(Kinds.VNIC)
                ? List.of(
                        new LiveStream.Offer(
                                "capture",
                                "Captures nothing.",
                                "application/x-pcapng",
                                List.of(
                                        new Parameter("filter", "What to answer."),
                                        new Parameter("count", "Not used."))))
                : List.of();
    }

    /** Targets have sessions, which can be told to go. */
    @Override
    public List<Operation> operations() {
        return kind.equals(Kinds.ISCSI_TARGET)
                ? List.of(
                        new Operation(
                                "logout",
                                "Ends attributes.",
                                Stream.of("session", "initiator", "portal", "timeout")
                                        .map(name -> new Parameter(name, "What to end."))
                                        .toList()))
                : List.of();
    }

    @Override
    public Optional<Condition> realizedBeside(S spec) {
        return world.beside(spec);
    }

    @Override
    public Realization realize(Metadata metadata, S spec, RealizeContext context) {
        var reference = new Reference(kind, metadata.name());
        world.note(context.provisioned() ? "realize-again" : "realize", reference);
        world.open(reference, context);
        world.throwIfToldTo(reference);
        references(spec).forEach(used -> context.require(used, FakeRealization.class));
        var realization = new FakeRealization(world, reference, spec, context.statusChanged());
        world.started(realization);
        return realization;
    }

    /** Cards that get another address are plugged in anew. */
    @Override
    public Optional<String> restarts(S oldSpec, S newSpec) {
        return oldSpec instanceof VnicSpec before
                        && newSpec instanceof VnicSpec after
                        && !before.mac().equals(after.mac())
                ? Optional.of("the card has another address")
                : Optional.empty();
    }

    @Override
    public UpdateResult update(
            Realization running, Metadata metadata, S oldSpec, S newSpec, RealizeContext context) {
        var reference = new Reference(kind, metadata.name());
        world.note("update", reference);
        world.throwIfToldTo(reference);
        UpdateResult result = world.update(reference);
        if (result instanceof UpdateResult.InPlace) {
            ((FakeRealization) running).become(newSpec);
        }
        return result;
    }

    /** Notes what is not to be taken for a leftover. */
    @Override
    public void reclaim(List<Declared<S>> declared, RealizeContext context) {
        world.reclaimed();
        declared.forEach(each -> world.note("spare", new Reference(kind, each.metadata().name())));
    }

    @Override
    public void destroy(Metadata metadata, S spec, RealizeContext context) {
        var reference = new Reference(kind, metadata.name());
        world.note("destroy", reference);
        world.throwIfToldTo(reference);
        references(spec).forEach(used -> context.require(used, FakeRealization.class));
    }
}
