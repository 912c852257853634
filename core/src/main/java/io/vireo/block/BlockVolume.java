package io.vireo.block;

import io.vireo.resource.ErrorCode;
import io.vireo.resource.ResourceException;
import java.util.Optional;

/** An open volume of a {@link BlockPool}. Control plane: one thread at a time. */
public interface BlockVolume {
    /** The device that front ends use. */
    BlockDevice device();

    /**
     * Grows to {@code capacity} bytes, durably, and then tells the device's geometry listeners. A
     * smaller one is refused.
     *
     * @throws io.vireo.resource.ResourceException if the host refuses
     */
    void grow(long capacity);

    /**
     * Gives it another name in its pool, in one durable step; it stays open. After a failure it may
     * have either name.
     *
     * @throws io.vireo.resource.ResourceException CONFLICT if a volume has that name, UNSUPPORTED
     *     if the pool keeps nothing beyond the daemon's end
     */
    default void rename(String newName) {
        throw new ResourceException(
                ErrorCode.UNSUPPORTED,
                "the pool keeps nothing when the daemon ends: use one of type disks or directory");
    }

    /**
     * Whether chunks that are written with nothing but zeroes take no room. Off when it is opened;
     * can change while it is used.
     *
     * @throws ResourceException UNSUPPORTED if the pool says so, see {@link
     *     BlockPool#hasZeroDetection}
     */
    default void zeroDetection(boolean on) {
        if (on) {
            throw new ResourceException(
                    ErrorCode.UNSUPPORTED, "only pools of type disks look for zeroes");
        }
    }

    /**
     * On which members of the pool chunks lie that it takes from now on.
     *
     * @param inTurn true: on one after the other; false: on the first that has room; empty, as it
     *     is when it is opened: as the pool says, see {@link BlockPool#striped}
     * @throws ResourceException UNSUPPORTED if the pool has no members to choose from
     */
    default void striped(Optional<Boolean> inTurn) {
        if (inTurn.isPresent()) {
            throw new ResourceException(
                    ErrorCode.UNSUPPORTED, "only pools of type disks choose where chunks lie");
        }
    }

    /** Empty while it is sound; else one sentence on what is wrong and what to do. */
    String trouble();

    /** Closes it; all channels are closed already. */
    void close();
}
