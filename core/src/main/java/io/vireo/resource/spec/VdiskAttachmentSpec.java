package io.vireo.resource.spec;

import io.vireo.resource.Field;
import io.vireo.resource.Spec;
import java.util.Optional;
import java.util.OptionalInt;

/** A virtual disk plugged into a server, derived from a server profile: everything is decided. */
public record VdiskAttachmentSpec(
        @Field("Name of the ServerProfile that it belongs to.") String profile,
        @Field("Name of the device in the profile.") String device,
        @Field("Name of the Vdisk.") String vdisk,
        @Field(
                        value = "Serial that the guest reads (VIRTIO_BLK_T_GET_ID).",
                        maxLength = Limits.SERIAL_MAX)
                String serial,
        @Field("Whether the guest may only read.") boolean readOnly,
        @Field(value = "Request queues.", min = 1, max = Limits.QUEUES_MAX) int queues,
        @Field(
                        value = "Place in the boot order, 1 first. Absent: not booted from.",
                        min = 1,
                        max = 255)
                OptionalInt bootOrder,
        @Field("Who listens on the socket: server means Vireo.") SocketMode socketMode,
        @Field("Absolute path of the socket. Absent: <runtime directory>/<profile>/<device>.sock.")
                Optional<String> socketPath)
        implements Spec {}
