package io.vireo.resource.spec;

import io.vireo.resource.Field;
import io.vireo.resource.Names;
import io.vireo.resource.Spec;
import java.util.List;
import java.util.Optional;

/** A virtual host bus adapter: a SCSI target whose logical units are vDisks. */
public record VhbaSpec(
        @Field(
                        value =
                                "What the server finds behind it, by LUN. Changes while it is in use.",
                        maxLength = 1024)
                List<Lun> luns,
        @Field(
                        value =
                                "World Wide Port Name that reservations know the server by: 16 hexadecimal digits."
                                        + " Absent: one that no other vHBA has, for as long as this one exists.",
                        pattern = WWN)
                Optional<String> wwpn,
        @Field(
                        value = "World Wide Node Name: 16 hexadecimal digits. Absent: as wwpn.",
                        pattern = WWN)
                Optional<String> wwnn,
        @Field(
                        value =
                                "iSCSI name of the target. Absent: iqn.2026-11.internal.vireo:<name>-<digits>, with digits"
                                        + " that no other vHBA of this name has had.",
                        pattern = "(iqn\\.[0-9]{4}-[0-9]{2}\\.|eui\\.|naa\\.)[a-z0-9.:-]+",
                        maxLength = 223)
                Optional<String> iqn,
        @Field(
                        value = "Request queues of the virtio SCSI host adapter.",
                        defaultValue = "1",
                        min = 1,
                        max = Limits.QUEUES_MAX)
                int queues,
        @Field(value = "Who listens on the socket: server means Vireo.", defaultValue = "server")
                SocketMode socketMode,
        @Field(
                        value =
                                "Absolute path of the vhost-user socket. Absent: <runtime directory>/vhba.<name>.sock.",
                        pattern = "/[^\\x00]*",
                        maxLength = Limits.SOCKET_PATH_MAX)
                Optional<String> socketPath)
        implements Spec {
    /** A World Wide Name in hexadecimal digits. */
    public static final String WWN = "[0-9a-fA-F]{16}";

    /** Highest LUN: what flat space addressing holds (SAM-5, 4.7.7.3). */
    public static final int LUN_MAX = 16383;

    public VhbaSpec {
        luns = List.copyOf(luns);
    }

    /** A logical unit. */
    public record Lun(
            @Field(value = "Logical unit number.", min = 0, max = LUN_MAX) int lun,
            @Field(value = "Name of the Vdisk.", pattern = Names.LABEL) String vdisk,
            @Field(value = "Whether it can only be read.", defaultValue = "false") boolean readOnly,
            @Field(
                            value = "Whether the server boots from it; of one LUN at most.",
                            defaultValue = "false")
                    boolean boot) {}
}
