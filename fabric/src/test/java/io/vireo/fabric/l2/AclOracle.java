package io.vireo.fabric.l2;

import io.vireo.resource.IpPrefix;
import io.vireo.resource.spec.AclRuleSpec;
import io.vireo.resource.spec.AclSpec;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Says slowly what a list does with a whole, sound frame: one rule after the other. */
final class AclOracle {
    private static final Map<String, Integer> PROTOCOLS =
            Map.of("tcp", 6, "udp", 17, "icmp", 1, "icmpv6", 58);
    private static final List<String> FLAGS = List.of("fin", "syn", "rst", "psh", "ack", "urg");

    private final byte[] frame;
    private final int vlan;
    private final int at;
    private final int type;
    private int protocol = -1;
    private int upper = -1;
    private boolean later;

    private AclOracle(byte[] frame) {
        this.frame = frame;
        boolean tagged = Frames16.at(frame, 12) == 0x8100;
        vlan = tagged ? Frames16.at(frame, 14) & 0xFFF : 0;
        at = tagged ? 18 : 14;
        type = Frames16.at(frame, at - 2);
        if (type == 0x0800) {
            later = (Frames16.at(frame, at + 6) & 0x1FFF) != 0;
            protocol = frame[at + 9];
            upper = later ? -1 : at + 20;
        } else if (type == 0x86DD) {
            protocol = frame[at + 6];
            upper = at + 40;
            if (protocol == 44) {
                protocol = frame[upper];
                later = Frames16.at(frame, upper + 2) >> 3 != 0;
                upper = later ? -1 : upper + 8;
            }
        }
    }

    /** Reads 16 bits. */
    private static final class Frames16 {
        static int at(byte[] bytes, int offset) {
            return (bytes[offset] & 0xFF) << 8 | bytes[offset + 1] & 0xFF;
        }
    }

    static boolean permits(AclSpec spec, byte[] frame) {
        var oracle = new AclOracle(frame);
        return spec.rules().stream()
                        .filter(oracle::matches)
                        .map(AclRuleSpec::action)
                        .findFirst()
                        .orElse(spec.defaultAction())
                == AclSpec.Action.PERMIT;
    }

    private boolean matches(AclRuleSpec rule) {
        boolean six = rule.source().or(rule::destination).map(IpPrefix::v6).orElse(false);
        if (rule.vlans().isPresent() && !rule.vlans().get().contains(vlan)) {
            return false;
        }
        if (rule.sourceMac().isPresent()
                && !rule.sourceMac().get().equals(new io.vireo.resource.MacAddress(mac()))) {
            return false;
        }
        if (rule.protocol().isPresent()
                && PROTOCOLS.getOrDefault(rule.protocol().get(), 0) != protocol) {
            return false;
        }
        if (rule.protocol().equals(Optional.of("icmp")) && type != 0x0800) {
            return false;
        }
        if (rule.protocol().equals(Optional.of("icmpv6")) && type != 0x86DD) {
            return false;
        }
        int size = six ? 16 : 4;
        int source = six ? at + 8 : at + 12;
        boolean family = type == (six ? 0x86DD : 0x0800);
        boolean from = rule.source().map(p -> family && within(p, source)).orElse(true);
        boolean to = rule.destination().map(p -> family && within(p, source + size)).orElse(true);
        return from && to && (!rule.laterFragments() || later) && transport(rule);
    }

    private boolean transport(AclRuleSpec rule) {
        if (!rule.needsTransport()) {
            return true;
        }
        if (upper < 0) {
            return false;
        }
        int sport = Frames16.at(frame, upper);
        int dport = Frames16.at(frame, upper + 2);
        boolean ports =
                rule.sourcePorts().map(r -> r.first() <= sport && sport <= r.last()).orElse(true)
                        && rule.destinationPorts()
                                .map(r -> r.first() <= dport && dport <= r.last())
                                .orElse(true);
        boolean icmp = rule.icmpType().isEmpty() || rule.icmpType().getAsInt() == frame[upper];
        return ports && icmp && rule.tcpFlags().map(this::flags).orElse(true);
    }

    private boolean flags(String wanted) {
        for (var flag : wanted.split(",", -1)) {
            boolean not = flag.startsWith("!");
            int bit = FLAGS.indexOf(not ? flag.substring(1) : flag);
            if ((frame[upper + 13] >> bit & 1) == (not ? 1 : 0)) {
                return false;
            }
        }
        return true;
    }

    private long mac() {
        long mac = 0;
        for (int i = 6; i < 12; i++) {
            mac = mac << 8 | frame[i] & 0xFF;
        }
        return mac;
    }

    private boolean within(IpPrefix prefix, int offset) {
        for (int bit = 0; bit < prefix.length(); bit++) {
            int have = frame[offset + bit / 8] >> 7 - bit % 8 & 1;
            long word =
                    prefix.v6() ? (bit < 64 ? prefix.high() : prefix.low()) : prefix.low() << 32;
            if (have != (word >>> 63 - bit % 64 & 1)) {
                return false;
            }
        }
        return true;
    }
}
