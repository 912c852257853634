package io.vireo.resource;

/**
 * What a kind may use while it realizes, updates or destroys a resource. Valid during that call,
 * except as noted.
 */
public interface RealizeContext {
    /**
     * The running contract of a resource that the spec refers to.
     *
     * @throws ResourceException with {@link ErrorCode#NOT_READY} if it does not run yet (the
     *     reconciler tries again when it does), with {@link ErrorCode#INVALID} if it does not offer
     *     the contract
     */
    <T> T require(Reference reference, Class<T> contract);

    /**
     * A service of the host that the composition root gave: reactors, transports, {@link
     * RuntimeDirectory}.
     *
     * @throws ResourceException with {@link ErrorCode#UNSUPPORTED} if there is none
     */
    <T> T service(Class<T> type);

    /**
     * Whether this incarnation of the resource was realized successfully before, perhaps by an
     * earlier process. A kind that keeps data creates it only if this is false, so that lost data
     * is reported and not silently replaced.
     */
    boolean provisioned();

    /**
     * Tells how far a realization is that is done beside the reconciler ({@link
     * ResourceKind#realizedBeside}). It is to be called again and again: so that realization learns
     * that it is not wanted any more. Cheap; on the thread of the realization.
     *
     * @throws ResourceException if it is not wanted any more; the realization ends with that
     */
    default void progress(Progress progress) {}

    /**
     * Tells whoever watches that {@link Realization#status()} has changed, for example because a
     * guest connected. The returned handle stays valid after the call; it may be run from any
     * thread, never blocks, and may be run often.
     */
    Runnable statusChanged();
}
