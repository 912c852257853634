package io.vireo.fabric.l2.acl;

import io.vireo.fabric.l2.packet.Headers;
import io.vireo.resource.spec.AclRuleSpec;
import java.util.List;

/**
 * What rules can ask about a frame, as seven numbers: equal numbers, equal decision. Used again for
 * each frame.
 *
 * <p>{@link #META}: EtherType in bits 0 to 15, VLAN from 16, IP protocol plus 1 from 28, {@link
 * #LATER_FRAGMENT}, {@link #TRANSPORT}, TCP flags from 48. Addresses: two numbers each, of IPv4 the
 * second. MAC addresses with the source port, or ICMP type, and the destination port, or ICMP code,
 * from bit 48. MAC addresses and flags are 0 where no rule asks for them, so that flows stay alike.
 */
final class FlowKey {
    static final int META = 0;
    static final int SOURCE = 1;
    static final int DESTINATION = 3;
    static final int SOURCE_MAC = 5;
    static final int DESTINATION_MAC = 6;
    static final int LENGTH = 7;

    static final int VLAN_SHIFT = 16;
    static final int PROTOCOL_SHIFT = 28;
    static final long LATER_FRAGMENT = 1L << 38;
    static final long TRANSPORT = 1L << 39;
    static final int FLAGS_SHIFT = 48;
    static final int PORT_SHIFT = 48;

    private static final int PORTS = 4;
    private static final int TCP_FLAGS = 13;
    private static final int MAC_LENGTH = 6;
    private static final int IPV4_FRAGMENT = 6;
    private static final int FRAGMENT_OFFSET = 0x1FFF;

    final long[] key = new long[LENGTH];

    private final boolean macs;
    private final boolean transport;
    private final boolean flags;

    /** Whether any rule asks for what may be under a further tag, or in SNAP. */
    private final boolean inside;

    /** Types of further tags that rules name: what is under them is decided about by that. */
    private final int[] named;

    /** A key of what some rules ask for. */
    FlowKey(List<AclRuleSpec> rules) {
        macs =
                rules.stream()
                        .anyMatch(rule ->
                                rule.sourceMac().isPresent() || rule.destinationMac().isPresent());
        transport = rules.stream().anyMatch(AclRuleSpec::needsTransport);
        flags = rules.stream().anyMatch(rule -> rule.tcpFlags().isPresent());
        named =
                rules.stream()
                        .flatMap(rule -> CompiledRules.etherType(rule).stream())
                        .filter(Headers::isTag)
                        .mapToInt(Integer::intValue)
                        .toArray();
        inside = rules.stream().anyMatch(FlowKey::looksInside);
    }

    private static boolean looksInside(AclRuleSpec rule) {
        boolean type = CompiledRules.etherType(rule).filter(of -> !Headers.isTag(of)).isPresent();
        return type
                || rule.protocol().isPresent()
                || rule.laterFragments()
                || rule.needsTransport();
    }

    /** Reads a frame; false if headers that rules may ask for cannot be seen. */
    boolean read(Headers frame, int vlan) {
        key[META] = frame.etherType() | (long) vlan << VLAN_SHIFT;
        key[SOURCE_MAC] = macs ? frame.mac(MAC_LENGTH) : 0;
        key[DESTINATION_MAC] = macs ? frame.mac(0) : 0;
        if (!frame.isIp()) {
            key[SOURCE] = 0;
            key[SOURCE + 1] = 0;
            key[DESTINATION] = 0;
            key[DESTINATION + 1] = 0;
            return !isHidden(frame);
        }
        if (frame.isBroken()) {
            return false;
        }
        addresses(frame);
        key[META] |= (long) (frame.protocol() + 1) << PROTOCOL_SHIFT;
        if (frame.isLaterFragment()) {
            key[META] |= LATER_FRAGMENT;
            return !rewritesFlags(frame);
        }
        return !transport || transport(frame);
    }

    /** Whether a receiver may find in the frame what rules ask for and cannot see. */
    private boolean isHidden(Headers frame) {
        if (!inside || !frame.isWrapped()) {
            return false;
        }
        for (int type : named) {
            if (type == frame.etherType()) {
                return false;
            }
        }
        return true;
    }

    private void addresses(Headers frame) {
        int at = frame.network();
        if (frame.etherType() == Headers.IPV4) {
            key[SOURCE] = 0;
            key[SOURCE + 1] = Integer.toUnsignedLong(frame.source4());
            key[DESTINATION] = 0;
            key[DESTINATION + 1] = Integer.toUnsignedLong(frame.destination4());
        } else {
            key[SOURCE] = frame.u64(at + 8);
            key[SOURCE + 1] = frame.u64(at + 16);
            key[DESTINATION] = frame.u64(at + 24);
            key[DESTINATION + 1] = frame.u64(at + 32);
        }
    }

    /** A fragment that would overwrite the flags of a TCP header already let through (RFC 3128). */
    private static boolean rewritesFlags(Headers frame) {
        return frame.etherType() == Headers.IPV4
                && frame.protocol() == Headers.TCP
                && (frame.u16(frame.network() + IPV4_FRAGMENT) & FRAGMENT_OFFSET) == 1;
    }

    private boolean transport(Headers frame) {
        int at = frame.transport();
        switch (frame.protocol()) {
            case Headers.TCP, Headers.UDP, Headers.SCTP -> {
                if (!frame.has(at, PORTS)) {
                    return false;
                }
                ports(frame.u16(at), frame.u16(at + 2));
                return !flags || frame.protocol() != Headers.TCP || flags(frame, at);
            }
            case Headers.ICMP, Headers.ICMPV6 -> {
                if (!frame.has(at, 2)) {
                    return false;
                }
                ports(frame.u8(at), frame.u8(at + 1));
                return true;
            }
            default -> {
                return true;
            }
        }
    }

    private void ports(int source, int destination) {
        key[META] |= TRANSPORT;
        key[SOURCE_MAC] |= (long) source << PORT_SHIFT;
        key[DESTINATION_MAC] |= (long) destination << PORT_SHIFT;
    }

    private boolean flags(Headers frame, int at) {
        if (!frame.has(at, TCP_FLAGS + 1)) {
            return false;
        }
        key[META] |= (long) frame.u8(at + TCP_FLAGS) << FLAGS_SHIFT;
        return true;
    }
}
