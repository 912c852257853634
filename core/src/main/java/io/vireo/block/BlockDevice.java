package io.vireo.block;

import io.vireo.reactor.Reactor;
import java.util.Optional;
import java.util.Set;

/** Something with blocks: a disk image, a virtual disk, a null device. Thread safe. */
public interface BlockDevice {
    BlockGeometry geometry();

    /** What it can do; READ always. A device without WRITE is read-only. */
    Set<BlockOperation> operations();

    /**
     * Opens a channel for use on {@code reactor}. Called on that reactor.
     *
     * @throws java.io.UncheckedIOException if the host refuses
     */
    BlockChannel open(Reactor reactor);

    /**
     * The only reactor on which it can be opened, where there is one: whoever presents the device
     * has to work there. Empty: any reactor will do.
     */
    default Optional<Reactor> home() {
        return Optional.empty();
    }

    /**
     * Whether every WRITE and WRITE_ZEROES ends only when it is durable, as all did that ended
     * before. Can change in use. Any thread, does not block.
     */
    default boolean writeThrough() {
        return false;
    }

    /**
     * Has {@code listener} told whenever {@link #writeThrough} has changed; writes may end sooner
     * than they are durable only when all listeners have taken that.
     */
    default void addCacheModeListener(CacheModeListener listener) {}

    /** Takes {@link #addCacheModeListener} back. */
    default void removeCacheModeListener(CacheModeListener listener) {}

    /**
     * Requests of a user will come, and are marked with it ({@link BlockRequest#user}): what it has
     * reserved is promised to it, as often as it is added, until it is {@linkplain #removeUser
     * removed} as often. Any thread.
     *
     * @throws IllegalArgumentException with a sentence, if there is no room for that: nothing has
     *     changed
     */
    default void addUser(BlockRates user) {
        if (user.reservation() != 0) {
            throw new IllegalArgumentException("nothing can be reserved of this disk");
        }
    }

    /** Takes {@link #addUser} back. Any thread. */
    default void removeUser(BlockRates user) {}

    /**
     * Up to where this device and another one surely hold the same from {@code offset} on, since
     * they share it; {@code offset} if that is not known. Reads nothing, and may look at a part
     * only. On {@link #home}.
     */
    default long sameUntil(BlockDevice other, long offset) {
        return offset;
    }

    /** What it has done since it was opened. Any thread, does not block. */
    BlockCounters counters();

    /**
     * Has {@code changed} run, on any thread, whenever {@link #geometry} has changed: the device
     * grew.
     */
    void addGeometryListener(Runnable changed);

    /** Takes {@link #addGeometryListener} back. */
    void removeGeometryListener(Runnable changed);
}
