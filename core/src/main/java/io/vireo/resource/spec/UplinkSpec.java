package io.vireo.resource.spec;

import io.vireo.resource.BitRate;
import io.vireo.resource.Field;
import io.vireo.resource.Spec;
import java.util.Optional;

/** A physical or host-side network interface. */
public record UplinkSpec(
        @Field(value = "How frames reach the host.", defaultValue = "tap") Type type,
        @Field(
                        value =
                                "Name of the host's network interface; a TAP interface is made if it is absent.",
                        pattern = "[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}",
                        maxLength = Limits.INTERFACE_MAX)
                String interfaceName,
        @Field(
                        value =
                                "Network namespace of the interface: a name below /run/netns. Absent: the daemon's"
                                        + " own.",
                        pattern = "[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}")
                Optional<String> namespace,
        @Field(
                        value = "MTU that is set on the interface, in bytes.",
                        defaultValue = "1500",
                        min = Limits.MTU_MIN,
                        max = Limits.MTU_MAX)
                int mtu,
        @Field(
                        value =
                                "User who owns a TAP interface that is made: a name or number of /etc/passwd."
                                        + " Absent: the daemon's user.",
                        pattern = "[A-Za-z0-9_][A-Za-z0-9_.-]{0,31}",
                        maxLength = 32)
                Optional<String> owner,
        @Field(
                        "What the interface carries in bit/s, gaps between frames included, like 10G: what shares"
                                + " and reservations of vNICs are parts of. Absent: not known, and nothing is"
                                + " shared out.")
                Optional<BitRate> speed)
        implements Spec {
    /** Ways to reach the host. */
    public enum Type {
        /** A TAP interface, Documentation/networking/tuntap.rst of the kernel. */
        TAP,
        /** Any Ethernet interface by a packet socket, packet(7). */
        PACKET,
        /** An Ethernet interface by AF_XDP, Documentation/networking/af_xdp.rst. */
        XDP
    }
}
