package io.vireo.scsi;

import java.util.HexFormat;
import java.util.Locale;
import java.util.regex.Pattern;

/**
 * An initiator port, as registrations and access lists know it: what the TransportIDs of SPC-4,
 * 7.6.4 say.
 */
public sealed interface ScsiInitiator {
    /**
     * An iSCSI initiator port.
     *
     * @param name iSCSI name in lower case, 1 to 223 bytes
     * @param isid the six bytes of the session's ISID, the first one highest
     */
    record Iscsi(String name, long isid) implements ScsiInitiator {
        /** Bytes of the longest iSCSI name (RFC 7143, 4.2.7.1). */
        public static final int MAX_NAME = 223;

        private static final Pattern FORM = Pattern.compile("[\\x21-\\x2b\\x2d-\\x7e]+");

        /** Throws {@link IllegalArgumentException} with a sentence. */
        public Iscsi {
            name = name.toLowerCase(Locale.ROOT);
            if (name.length() > MAX_NAME || !FORM.matcher(name).matches()) {
                throw new IllegalArgumentException(
                        "an iSCSI name has 1 to 223 printable ASCII characters, and no comma");
            }
            if (isid < 0 || isid >= 1L << 48) {
                throw new IllegalArgumentException("an ISID has six bytes");
            }
        }

        /** The form {@code iqn.1993-08.org.debian:01:abc,i,0x00023d000001}. */
        @Override
        public String toString() {
            return name + ",i,0x" + HexFormat.of().toHexDigits(isid, 12);
        }
    }

    /**
     * A Fibre Channel port; virtual HBAs are such ports to the command set.
     *
     * @param wwpn its N_Port_Name
     */
    record FibreChannel(long wwpn) implements ScsiInitiator {
        /** The form {@code naa.2000000000000001}. */
        @Override
        public String toString() {
            return "naa." + HexFormat.of().toHexDigits(wwpn);
        }
    }
}
