package io.vireo.device.scsi;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * Who a logical unit is, wherever and by whatever port it is seen.
 *
 * @param name for logs
 * @param naa locally assigned NAA identifier (SPC-4, 7.8.6.6): its highest four bits are 3h
 * @param serial unit serial number
 */
record UnitIdentity(String name, long naa, String serial) {
    static final String VENDOR = "VIREO";
    static final String PRODUCT = "VDISK";
    static final String REVISION = "1";

    private static final long LOCALLY_ASSIGNED = 3L << 60;
    private static final int ASSOCIATION_AND_TYPE = 0x3F;
    private static final int NAA_TYPE = 3;

    /**
     * The identity that follows from a text that is unlike that of any other unit: always the same
     * one.
     */
    static UnitIdentity of(String name, String unique) {
        long hash = Bytes.u64(digest(unique), 0);
        long naa = hash & -1L >>> 4 | LOCALLY_ASSIGNED;
        return new UnitIdentity(name, naa, HexFormat.of().toHexDigits(naa));
    }

    /** Whether a designation descriptor (SPC-4, 7.8.6) that begins at an offset is of this unit. */
    boolean isNamed(byte[] list, int at) {
        // Its T10 name is too long for the descriptors that name units to copy.
        return (list[at + 1] & ASSOCIATION_AND_TYPE) == NAA_TYPE
                && Bytes.u8(list, at + 3) == Long.BYTES
                && Bytes.u64(list, at + 4) == naa;
    }

    private static byte[] digest(String text) {
        try {
            return MessageDigest.getInstance("SHA-256")
                    .digest(text.getBytes(StandardCharsets.UTF_8));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
