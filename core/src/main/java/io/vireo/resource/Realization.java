package io.vireo.resource;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A resource that runs. Made by {@link ResourceKind#realize}. */
public interface Realization {
    /**
     * What other resources use of it, for example its block device. Called on the reconciler's
     * thread, or on that of a resource that is realized beside it; the same object each time, for
     * as long as this realization is open.
     *
     * @throws ResourceException NOT_READY if it will offer it later: who needs it tries again
     * @return empty if it does not offer the contract
     */
    <T> Optional<T> contract(Class<T> type);

    /**
     * Prepares one of the streams that its kind offers ({@link ResourceKind#streams}). Called from
     * any thread.
     *
     * @param parameters those that were given, by name
     * @throws ResourceException if a parameter is not understood, or there is no room for one more
     *     stream
     */
    default LiveStream stream(LiveStream.Offer offer, Map<String, String> parameters) {
        throw new ResourceException(ErrorCode.UNSUPPORTED, "it has no stream " + offer.name());
    }

    /**
     * Begins one of the operations that its kind offers ({@link ResourceKind#operations}). Called
     * from any thread; does not wait for the outcome.
     *
     * @param parameters those that were given, by name
     * @return the names of those attributes of its status that tell of what it is done to
     * @throws ResourceException if a parameter is not understood, or there is nothing to do it to
     */
    default List<String> operate(Operation operation, Map<String, String> parameters) {
        throw new ResourceException(ErrorCode.UNSUPPORTED, "it cannot " + operation.name());
    }

    /**
     * What it uses now beside what its spec refers to: that is not stopped before. Called on the
     * reconciler's thread.
     */
    default List<Reference> uses() {
        return List.of();
    }

    /**
     * Tries to get back what the host has taken from it, if something is missing. Called on the
     * reconciler's thread whenever that looks at everything, and every second while it is missing;
     * must be quick if nothing is.
     *
     * @return false: it is missing still
     */
    default boolean mend() {
        return true;
    }

    /** A snapshot. Called from any thread; must not block and not wait for a reactor. */
    Status status();

    /**
     * Stops it. Nothing refers to it any more: the reconciler closes what depends on it first. I/O
     * may be in flight; returns at once.
     *
     * @param onClosed called exactly once, on any thread, after the last completion is in and every
     *     resource of the operating system is given back
     */
    void close(Runnable onClosed);
}
