package io.vireo.resource.spec;

import io.vireo.resource.Field;
import io.vireo.resource.Names;
import io.vireo.resource.Spec;
import java.util.List;
import java.util.Optional;

/** A virtual HBA's logical units as an iSCSI target. */
public record IscsiTargetSpec(
        @Field(
                        value =
                                "Name of the Vhba whose logical units it has; one of a profile is <profile>.<adapter>.",
                        pattern = Names.LABEL_OR_DERIVED)
                String vhba,
        @Field(
                        value =
                                "iSCSI name of the target, in lower case. Absent: that of the Vhba.",
                        pattern = IscsiTargetSpec.ISCSI_NAME,
                        maxLength = 223)
                Optional<String> targetName,
        @Field(
                        value = "Names of the IscsiPortals that it is at.",
                        pattern = Names.LABEL,
                        maxLength = 32)
                List<String> portals,
        @Field(
                        value =
                                "iSCSI names of the initiators that may log in; \"*\" for any,"
                                        + " which leaves only CHAP between the network and the data.",
                        pattern = Forms.INITIATOR,
                        maxLength = 256)
                List<String> initiators,
        @Field("CHAP of its sessions. Absent: the name of an initiator is believed.")
                Optional<ChapSpec> chap,
        @Field(
                        value =
                                "Address, like 192.0.2.1:3260 or [fd00::1]:3260, that initiators"
                                        + " are sent to instead (login redirection). Sessions that"
                                        + " there are stay.",
                        pattern = Forms.ADDRESS_AND_PORT)
                Optional<String> redirect)
        implements Spec {
    /** Names of RFC 7143, 4.2.7, in the form that string preparation leaves. */
    public static final String ISCSI_NAME =
            "iqn\\.[0-9]{4}-[0-9]{2}\\.[-a-z0-9.:_]{1,211}|eui\\.[0-9a-f]{16}|naa\\.([0-9a-f]{16}|[0-9a-f]{32})";
}
