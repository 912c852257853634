package io.vireo.block;

import io.vireo.resource.ErrorCode;
import io.vireo.resource.ResourceException;

/**
 * A place that holds volumes by name. Control plane: one thread at a time, calls may do file system
 * work. Failures are {@link ResourceException}s with a message that says what to do.
 */
public interface BlockPool {
    /** Where it is, for people: a path, or what it is. */
    String location();

    /**
     * Makes an empty volume, durably: it reads as zeroes and takes room as it is written. If one of
     * this name was left behind by an attempt that was cut off, it is taken over; one with data in
     * it is not touched (CONFLICT).
     */
    void create(String volume, VolumeFormat format);

    /**
     * Opens a volume that was created. It grows to the format's capacity if it is smaller.
     *
     * @throws ResourceException UNAVAILABLE if it is gone, IN_USE if another process has it open,
     *     CONFLICT if it is larger than the format says
     */
    BlockVolume open(String volume, VolumeFormat format);

    /**
     * Whether there is a volume of this name, open or not.
     *
     * @throws ResourceException UNAVAILABLE if that cannot be told; UNSUPPORTED if this pool never
     *     can, so that nothing can be imported to it
     */
    default boolean exists(String volume) {
        throw new ResourceException(
                ErrorCode.UNSUPPORTED,
                "images cannot be imported to " + location() + ": use a pool of another type");
    }

    /**
     * Deletes a volume, durably; nothing happens if there is none.
     *
     * @param evenIfWritten false: only if it holds no data
     */
    void delete(String volume, boolean evenIfWritten);

    /** Bytes in total and free for volumes; does not block. */
    PoolSpace space();

    /**
     * Whom to tell of each request of a volume that fails because the pool is full: on the reactor
     * of that request, so that it must not block. There is one at a time. A pool that cannot become
     * full tells nobody.
     */
    default void onFull(Runnable listener) {}

    /** Gives everything back. All volumes are closed. */
    void close();
}
