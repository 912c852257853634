package io.vireo.net;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * Why a {@link Network} did not let a frame through. Counted at the port that the frame came in by,
 * or at the one that it should have left by: {@link #received} and {@link #transmitted} say where a
 * reason occurs.
 */
public enum DropReason {
    /**
     * Came with a source address that is no station's, with a broken tag, or with a checksum that
     * is to be put over its addresses or its tag.
     */
    INVALID(true, false),

    /**
     * Came with a VLAN that the port does not carry; or would leave as a frame of another VLAN,
     * having a second tag under the one that is taken out.
     */
    VLAN(true, true),

    /** Came with a source MAC address that the port may not use. */
    SPOOFED_MAC(true, false),

    /** ARP with a sender address that the port may not use. */
    SPOOFED_ARP(true, false),

    /** IPv4 or IPv6 with a source address that the port may not use. */
    SPOOFED_IP(true, false),

    /** Neighbor discovery about an address that the port may not use. */
    SPOOFED_ND(true, false),

    /** What only a DHCP server sends, from a port that may not. */
    DHCP_SERVER(true, false),

    /** An IPv6 router advertisement or redirect, from a port that may not. */
    ROUTER_ADVERTISEMENT(true, false),

    /**
     * Headers that the policy of the port has to see are cut short, or lie beyond the first {@link
     * FrameBatch#HEADER_MAX} bytes, or under a second tag, or a checksum is to be put over them.
     */
    UNREADABLE(true, true),

    /** Denied by an access control list. */
    ACL(true, true),

    /** Came from a MAC address that is bound to another port. */
    MAC_BOUND(true, false),

    /** Came from a MAC address more than the port may have. */
    MAC_LIMIT(true, false),

    /** A broadcast more than the port may send. */
    STORM_BROADCAST(true, false),

    /** A multicast more than the port may send. */
    STORM_MULTICAST(true, false),

    /** A frame to an unknown address more than the port may send. */
    STORM_UNKNOWN(true, false),

    /** Came from a port that is there for the copies of a mirror only. */
    MIRROR_DESTINATION(true, false),

    /** To a station that a private VLAN keeps the port from. */
    ISOLATED(true, false),

    /** Longer than the network allows, or the port that it should leave by. */
    TOO_LONG(true, true),

    /**
     * Rightly not forwarded: addressed to the bridge itself, to a station at the same port, to a
     * group that nobody wants, or from one uplink to another.
     */
    FILTERED(true, false),

    /** The port that it should leave by was down. */
    DOWN(false, true),

    /**
     * The port that it should leave by had no room, or the frame could not be put into the form
     * that it takes.
     */
    NO_BUFFER(false, true),

    /** Beyond the peak rate that the port's {@link QosPolicy} allows. */
    RATE(true, true);

    private final boolean received;
    private final boolean transmitted;

    DropReason(boolean received, boolean transmitted) {
        this.received = received;
        this.transmitted = transmitted;
    }

    /** Whether it is counted at the port that the frame came in by. */
    public boolean received() {
        return received;
    }

    /** Whether it is counted at the port that the frame should have left by. */
    public boolean transmitted() {
        return transmitted;
    }

    /** Its name in metrics and documentation, for example {@code no-buffer}. */
    public String text() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** The reasons that are counted where frames come in. */
    public static List<DropReason> ofReceived() {
        return Arrays.stream(values()).filter(DropReason::received).toList();
    }

    /** The reasons that are counted where frames leave. */
    public static List<DropReason> ofTransmitted() {
        return Arrays.stream(values()).filter(DropReason::transmitted).toList();
    }
}
