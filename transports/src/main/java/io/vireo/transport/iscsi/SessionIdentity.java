package io.vireo.transport.iscsi;

import io.vireo.scsi.ScsiInitiator;

/**
 * Which session it is.
 *
 * @param initiator name and ISID: the initiator port
 * @param portalGroup tag of the portal group that it came by: the target port
 * @param tsih what we call it
 * @param cid what the initiator calls its connection
 * @param peer address of the initiator, for people
 * @param portal name of the portal, for people
 */
record SessionIdentity(
        ScsiInitiator.Iscsi initiator,
        int portalGroup,
        int tsih,
        int cid,
        String peer,
        String portal) {
    /** Whether a session of these is replaced by one of those (RFC 7143, 6.3.5). */
    boolean isSameNexus(SessionIdentity other) {
        return initiator.equals(other.initiator) && portalGroup == other.portalGroup;
    }
}
