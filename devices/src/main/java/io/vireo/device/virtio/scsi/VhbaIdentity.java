package io.vireo.device.virtio.scsi;

import io.vireo.resource.ErrorCode;
import io.vireo.resource.ResourceException;
import io.vireo.resource.spec.VhbaSpec;
import java.util.HexFormat;
import java.util.Optional;

/**
 * Who a vHBA is.
 *
 * @param iqn iSCSI name
 */
record VhbaIdentity(long wwpn, long wwnn, String iqn) {
    /**
     * The identity of a vHBA.
     *
     * @throws ResourceException if a name is missing, which admission sets
     */
    static VhbaIdentity of(VhbaSpec spec) {
        return new VhbaIdentity(
                HexFormat.fromHexDigitsToLong(assigned(spec.wwpn(), "wwpn")),
                HexFormat.fromHexDigitsToLong(assigned(spec.wwnn(), "wwnn")),
                assigned(spec.iqn(), "iqn"));
    }

    private static String assigned(Optional<String> name, String field) {
        return name.orElseThrow(() ->
                new ResourceException(
                        ErrorCode.INVALID, "it has no " + field + ": declare it once more"));
    }
}
