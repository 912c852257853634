package io.vireo.device.virtio.scsi;

import io.vireo.resource.Metadata;
import io.vireo.resource.spec.VhbaSpec;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * Who a vHBA is. What its spec does not say follows from its uid, which is stored with it and
 * unlike that of any other, earlier ones of the same name included.
 *
 * @param iqn iSCSI name
 */
record VhbaIdentity(long wwpn, long wwnn, String iqn) {
    /** NAA 3h, locally assigned: nobody's organizationally unique identifier is in it. */
    private static final long LOCALLY_ASSIGNED = 3L << 60;

    private static final String IQN = "iqn.2026-11.internal.vireo:";

    /** The identity of a vHBA. */
    static VhbaIdentity of(Metadata metadata, VhbaSpec spec) {
        long drawn = hash("vhba " + metadata.uid()) & -1L >>> 4 | LOCALLY_ASSIGNED;
        String digits = HexFormat.of().toHexDigits((int) hash("iqn " + metadata.uid()));
        return new VhbaIdentity(
                spec.wwpn().map(HexFormat::fromHexDigitsToLong).orElse(drawn),
                spec.wwnn().map(HexFormat::fromHexDigitsToLong).orElse(drawn ^ 1),
                spec.iqn().orElse(IQN + metadata.name() + "-" + digits));
    }

    private static long hash(String text) {
        try {
            byte[] digest =
                    MessageDigest.getInstance("SHA-256")
                            .digest(text.getBytes(StandardCharsets.UTF_8));
            return ByteBuffer.wrap(digest).getLong();
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
