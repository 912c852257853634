package io.vireo.resource.spec;

import io.vireo.resource.BitRate;
import io.vireo.resource.Field;
import io.vireo.resource.Names;
import io.vireo.resource.Spec;
import java.util.List;
import java.util.Optional;

/** A physical or host-side network interface, or several of them bonded. */
public record UplinkSpec(
        @Field(value = "How frames reach the host.", defaultValue = "tap") Type type,
        @Field(
                        value =
                                "Name of the host's network interface; needed for all types but"
                                        + " bond. A TAP interface is made if it is absent.",
                        pattern = Forms.INTERFACE,
                        maxLength = Limits.INTERFACE_MAX)
                Optional<String> interfaceName,
        @Field(
                        value =
                                "Network namespace of the interface: a name below /run/netns."
                                        + " Absent: the daemon's own.",
                        pattern = Forms.NAMESPACE)
                Optional<String> namespace,
        @Field(
                        value =
                                "MTU that is set on the interface, in bytes. Of a bond: the largest that it lets out,"
                                        + " its members have their own.",
                        defaultValue = "1500",
                        min = Limits.MTU_MIN,
                        max = Limits.MTU_MAX)
                int mtu,
        @Field(
                        value =
                                "User who owns a TAP interface that is made: a name or number of"
                                        + " /etc/passwd. Absent: the daemon's user.",
                        pattern = Forms.USER,
                        maxLength = 32)
                Optional<String> owner,
        @Field(
                        "What the interface carries in bit/s, gaps between frames included, like 10G: what shares"
                                + " and reservations of vNICs are parts of. Absent: not known, and nothing is"
                                + " shared out.")
                Optional<BitRate> speed,
        @Field(
                        value =
                                "Names of the Uplinks that a bond is made of, the preferred one first; only for, and"
                                        + " needed for, the type bond.",
                        pattern = Names.LABEL,
                        maxLength = Names.MAX_LENGTH)
                List<String> members,
        @Field(value = "How a bond uses its members.", defaultValue = "active-backup")
                BondMode bondMode,
        @Field(
                        value =
                                "Seconds that a preferred member of an active-backup bond has to be up again before"
                                        + " traffic goes back to it.",
                        defaultValue = "5",
                        min = 0,
                        max = 3600)
                int failBackSeconds,
        @Field(
                        value =
                                "How often the partner of a bond with lacp is asked to send LACPDUs.",
                        defaultValue = "fast")
                LacpRate lacpRate,
        @Field(
                        value =
                                "What decides on the member by which a frame leaves a bond with lacp.",
                        defaultValue = "layer2-3")
                HashPolicy hashPolicy,
        @Field(
                        "How it takes part in LLDP. Absent: it sends and listens, every 30 seconds. The members of a"
                                + " bond do so each for itself.")
                Optional<LldpSpec> lldp)
        implements Spec {
    /** Most members of a bond. */
    public static final int MEMBERS_MAX = 8;

    public UplinkSpec {
        members = List.copyOf(members);
    }

    /** The same but for its speed. */
    public UplinkSpec withSpeed(Optional<BitRate> other) {
        return with(other, lldp);
    }

    /** The same but for LLDP. */
    public UplinkSpec withLldp(Optional<LldpSpec> other) {
        return with(speed, other);
    }

    private UplinkSpec with(Optional<BitRate> newSpeed, Optional<LldpSpec> newLldp) {
        return new UplinkSpec(
                type,
                interfaceName,
                namespace,
                mtu,
                owner,
                newSpeed,
                members,
                bondMode,
                failBackSeconds,
                lacpRate,
                hashPolicy,
                newLldp);
    }

    /** Ways to reach the host. */
    public enum Type {
        /** A TAP interface, Documentation/networking/tuntap.rst of the kernel. */
        TAP,
        /** Any Ethernet interface by a packet socket, packet(7). */
        PACKET,
        /** An Ethernet interface by AF_XDP, Documentation/networking/af_xdp.rst. */
        XDP,
        /** Several other Uplinks. */
        BOND
    }

    /** Ways to use the members of a bond. */
    public enum BondMode {
        /** One at a time; nothing is asked of the switch at the other side. */
        ACTIVE_BACKUP,
        /** All that the partner agrees to: IEEE 802.1AX. */
        LACP
    }

    /** Intervals between LACPDUs (IEEE 802.1AX, 6.4.4). */
    public enum LacpRate {
        /** Every 30 seconds; a silent partner is given up after 90. */
        SLOW,
        /** Every second; a silent partner is given up after 3. */
        FAST
    }

    /** Parts of a frame that go into the hash. */
    public enum HashPolicy {
        /** MAC addresses. */
        LAYER2,
        /** These, and IP addresses. */
        LAYER2_3,
        /** IP addresses and ports of TCP and UDP; else as {@link #LAYER2_3}. */
        LAYER3_4
    }
}
