package io.vireo.resource;

import java.util.List;
import java.util.Optional;

/**
 * One kind of resource: its rules, and how it is made to run. Stateless; found by {@link
 * java.util.ServiceLoader}.
 *
 * @param <S> its spec
 */
public interface ResourceKind<S extends Spec> {
    /** The kind in CamelCase, for example {@code Network}. */
    String kind();

    /** The plural in lower case, as in the REST path, for example {@code networks}. */
    String plural();

    /** Other names the command line accepts, for example {@code net}. */
    default List<String> shortNames() {
        return List.of();
    }

    /** What it is, in one or two sentences for the documentation. */
    String description();

    /** The record that a spec binds to. */
    Class<S> specType();

    /**
     * Whether resources of this kind exist only as part of their owner and cannot be written by
     * users.
     */
    default boolean derived() {
        return false;
    }

    /**
     * What the spec refers to. These are realized first and cannot be deleted while this resource
     * exists.
     */
    default List<Reference> references(S spec) {
        return List.of();
    }

    /**
     * What the resource depends on beside that, as it has recorded: these cannot be deleted before
     * it depends on them no more. Asked when something is to be deleted; may wait for the medium.
     */
    default List<Reference> alsoUses(Metadata metadata, S spec, DurableState state) {
        return List.of();
    }

    /** Rules beyond types and ranges; pointers start with {@code /spec}. Pure. */
    default List<Violation> validate(Metadata metadata, S spec) {
        return List.of();
    }

    /**
     * Rules for a change, for example that a disk does not shrink; pointers start with {@code
     * /spec}. Pure.
     */
    default List<Violation> validateUpdate(Metadata metadata, S oldSpec, S newSpec) {
        return List.of();
    }

    /** What of a running resource can be read as it happens. */
    default List<LiveStream.Offer> streams() {
        return List.of();
    }

    /** What a running resource can be told to do. */
    default List<Operation> operations() {
        return List.of();
    }

    /** The columns of its table between the name and the state. */
    default List<Column<S>> columns() {
        return List.of();
    }

    /**
     * What a resource does while it is realized, as its condition meanwhile, if that takes long.
     * Then {@link #realize} is called on a thread of its own, beside the reconciler, which goes on
     * with everything else; it can require what the spec refers to, and nothing more. Pure.
     */
    default Optional<Condition> realizedBeside(S spec) {
        return Optional.empty();
    }

    /**
     * Makes the resource run. Off the data path; may do file system work, should take well under a
     * second unless it is {@link #realizedBeside}.
     *
     * @throws ResourceException if it cannot; tried again with backoff if the code is retryable
     */
    Realization realize(Metadata metadata, S spec, RealizeContext context);

    /**
     * Why a change closes the resource, with all that refer to it, and realizes it anew: one
     * sentence without a full stop. Empty if it is made while the resource runs. Pure: a dry run
     * tells it.
     */
    default Optional<String> restarts(S oldSpec, S newSpec) {
        return Optional.empty();
    }

    /**
     * Brings a running resource to another spec, which does not {@link #restarts restart} it. The
     * references of both specs are realized.
     */
    UpdateResult update(
            Realization running, Metadata metadata, S oldSpec, S newSpec, RealizeContext context);

    /**
     * A resource that is declared, running or not, or about to be destroyed.
     *
     * @param <S> its spec
     */
    record Declared<S extends Spec>(Metadata metadata, S spec) {}

    /**
     * Removes what earlier processes made and ended too early to remove: what is known to have been
     * made here, and belongs to none of the declared resources. Called once, before anything is
     * realized; what fails is left for the next time.
     *
     * @param declared all resources of the kind
     */
    default void reclaim(List<Declared<S>> declared, RealizeContext context) {}

    /**
     * Removes what outlives the process, for example a disk image. Called once the resource is
     * closed and its deletion was asked for; perhaps in a later process than the one that ran it,
     * and again if it failed. References are realized.
     *
     * @throws ResourceException if it cannot; tried again with backoff
     */
    default void destroy(Metadata metadata, S spec, RealizeContext context) {}
}
