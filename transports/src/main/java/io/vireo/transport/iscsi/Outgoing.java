package io.vireo.transport.iscsi;

import org.jspecify.annotations.Nullable;

/** Something that waits in the queue of an {@link Outbound}. */
abstract class Outgoing {
    /** The one behind it in the queue. */
    @Nullable Outgoing next;

    /**
     * Writes its PDUs, as far as there is room.
     *
     * @return whether all of them are written
     */
    abstract boolean write(Outbound out);

    /** The last byte has gone to the kernel. */
    abstract void sent();
}
