package io.vireo.device.scsi;

import io.vireo.scsi.ScsiInitiator;

/**
 * A registration of an I_T nexus (SPC-4, 5.13.7).
 *
 * @param initiator the initiator port
 * @param port name of the target port, as its {@link io.vireo.scsi.ScsiPort} is written
 * @param allPorts whether it was made for all target ports
 * @param key reservation key, not 0
 */
record Registration(ScsiInitiator initiator, String port, boolean allPorts, long key) {
    /** Whether it is the registration of a nexus of these. */
    boolean is(ScsiInitiator otherInitiator, String otherPort) {
        return initiator.equals(otherInitiator) && port.equals(otherPort);
    }

    /** Whether both are of the same nexus. */
    boolean sameNexus(Registration other) {
        return is(other.initiator, other.port);
    }
}
