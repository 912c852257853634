package io.vireo.block;

import io.vireo.reactor.Reactor;
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
}
