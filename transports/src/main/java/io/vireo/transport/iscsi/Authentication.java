package io.vireo.transport.iscsi;

import java.util.Optional;

/**
 * How initiators prove who they are, and we to them.
 *
 * @param initiator what an initiator has to know; empty: nothing is asked
 * @param target what we know if an initiator asks; empty: we do not prove anything
 */
record Authentication(Optional<Credential> initiator, Optional<Credential> target) {
    /** Nobody is asked. */
    static final Authentication NONE = new Authentication(Optional.empty(), Optional.empty());
}
