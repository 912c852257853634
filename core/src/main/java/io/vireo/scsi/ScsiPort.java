package io.vireo.scsi;

import java.util.HexFormat;

/** A target port (SAM-5, 4.6.5). */
public sealed interface ScsiPort {
    /**
     * Relative target port identifier: 1 to 65535, of no other port by which the same logical unit
     * can be reached.
     */
    int relativeId();

    /**
     * A portal group of an iSCSI target.
     *
     * @param targetName iSCSI name of the target, in lower case
     * @param portalGroup target portal group tag
     */
    record Iscsi(int relativeId, String targetName, int portalGroup) implements ScsiPort {
        public Iscsi {
            checkRelativeId(relativeId);
            if (portalGroup < 0 || portalGroup > 0xFFFF) {
                throw new IllegalArgumentException("a target portal group tag has two bytes");
            }
        }

        /** The form {@code iqn.2026-11.io.vireo:web1,t,0x0001}. */
        @Override
        public String toString() {
            return targetName + ",t,0x" + HexFormat.of().toHexDigits((short) portalGroup);
        }
    }

    /**
     * A Fibre Channel port; the port behind a virtual HBA is such one to the command set.
     *
     * @param wwpn its N_Port_Name
     * @param wwnn the Node_Name of its device
     */
    record FibreChannel(int relativeId, long wwpn, long wwnn) implements ScsiPort {
        public FibreChannel {
            checkRelativeId(relativeId);
        }

        /** The form {@code naa.2000000000000001}. */
        @Override
        public String toString() {
            return "naa." + HexFormat.of().toHexDigits(wwpn);
        }
    }

    private static void checkRelativeId(int relativeId) {
        if (relativeId < 1 || relativeId > 0xFFFF) {
            throw new IllegalArgumentException("relative target port identifiers are 1 to 65535");
        }
    }
}
