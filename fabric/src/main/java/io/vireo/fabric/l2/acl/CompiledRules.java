package io.vireo.fabric.l2.acl;

import io.vireo.fabric.l2.packet.Headers;
import io.vireo.fabric.l2.packet.ProtocolNames;
import io.vireo.resource.IpPrefix;
import io.vireo.resource.MacAddress;
import io.vireo.resource.PortRange;
import io.vireo.resource.VlanSet;
import io.vireo.resource.spec.AclRuleSpec;
import java.util.List;
import java.util.Optional;

/**
 * Rules as a struct of arrays: a mask and a value for each number of a {@link FlowKey}, and ranges
 * of ports. Immutable.
 */
final class CompiledRules {
    private static final List<String> FLAGS = List.of("fin", "syn", "rst", "psh", "ack", "urg");
    private static final long ETHER_TYPE_MASK = 0xFFFF;
    private static final long PROTOCOL_MASK = 0x1FFL << FlowKey.PROTOCOL_SHIFT;
    private static final int PORT_MAX = 0xFFFF;
    private static final int WHOLE_MAC = 48;
    private static final long MAC_MASK = (1L << WHOLE_MAC) - 1;
    private static final int VLAN_WORDS = 64;

    private final int count;
    private final long[] masks;
    private final long[] values;
    private final int[] firstSourcePort;
    private final int[] lastSourcePort;
    private final int[] firstDestinationPort;
    private final int[] lastDestinationPort;

    /** A bit for each VLAN of each rule; empty for a rule that does not ask. */
    private final long[][] vlans;

    CompiledRules(List<AclRuleSpec> rules) {
        count = rules.size();
        masks = new long[count * FlowKey.LENGTH];
        values = new long[count * FlowKey.LENGTH];
        firstSourcePort = new int[count];
        lastSourcePort = new int[count];
        firstDestinationPort = new int[count];
        lastDestinationPort = new int[count];
        vlans = new long[count][];
        for (int r = 0; r < count; r++) {
            compile(r, rules.get(r));
        }
    }

    private void compile(int r, AclRuleSpec rule) {
        etherType(rule).ifPresent(type -> require(r, FlowKey.META, ETHER_TYPE_MASK, type));
        protocol(rule)
                .ifPresent(number ->
                        require(
                                r,
                                FlowKey.META,
                                PROTOCOL_MASK,
                                (number + 1L) << FlowKey.PROTOCOL_SHIFT));
        rule.source().ifPresent(prefix -> require(r, FlowKey.SOURCE, prefix));
        rule.destination().ifPresent(prefix -> require(r, FlowKey.DESTINATION, prefix));
        rule.sourceMac().ifPresent(mac -> require(r, FlowKey.SOURCE_MAC, mac));
        rule.destinationMac().ifPresent(mac -> require(r, FlowKey.DESTINATION_MAC, mac));
        rule.tcpFlags().ifPresent(flags -> flags(r, flags));
        if (rule.laterFragments()) {
            require(r, FlowKey.META, FlowKey.LATER_FRAGMENT, FlowKey.LATER_FRAGMENT);
        }
        if (rule.needsTransport()) {
            require(r, FlowKey.META, FlowKey.TRANSPORT, FlowKey.TRANSPORT);
        }
        var any = new PortRange(0, PORT_MAX);
        var from = rule.sourcePorts().orElse(any);
        var to = rule.destinationPorts().orElse(any);
        // Type and code of ICMP stand where the ports of others do.
        firstSourcePort[r] = rule.icmpType().orElse(from.first());
        lastSourcePort[r] = rule.icmpType().orElse(from.last());
        firstDestinationPort[r] = rule.icmpCode().orElse(to.first());
        lastDestinationPort[r] = rule.icmpCode().orElse(to.last());
        vlans[r] = rule.vlans().map(CompiledRules::bits).orElseGet(() -> new long[0]);
    }

    private void require(int r, int number, long mask, long value) {
        masks[r * FlowKey.LENGTH + number] |= mask;
        values[r * FlowKey.LENGTH + number] |= value;
    }

    private void require(int r, int number, IpPrefix prefix) {
        require(r, number, prefix.highMask(), prefix.high());
        require(r, number + 1, prefix.lowMask(), prefix.low());
    }

    private void require(int r, int number, MacAddress mac) {
        require(r, number, MAC_MASK, mac.bits());
    }

    private void flags(int r, String flags) {
        for (var flag : flags.split(",", -1)) {
            boolean set = !flag.startsWith("!");
            long bit = 1L << FlowKey.FLAGS_SHIFT + FLAGS.indexOf(set ? flag : flag.substring(1));
            require(r, FlowKey.META, bit, set ? bit : 0);
        }
    }

    /** The EtherType that a rule asks for, or that follows from the family of its addresses. */
    static Optional<Integer> etherType(AclRuleSpec rule) {
        if (rule.etherType().isPresent()) {
            return rule.etherType().map(ProtocolNames::etherType);
        }
        var prefix = rule.source().or(rule::destination);
        if (prefix.isPresent()) {
            return prefix.map(address -> address.v6() ? Headers.IPV6 : Headers.IPV4);
        }
        return rule.protocol()
                .flatMap(name ->
                        switch (name) {
                            case "icmp" -> Optional.of(Headers.IPV4);
                            case "icmpv6" -> Optional.of(Headers.IPV6);
                            default -> Optional.empty();
                        });
    }

    /** The number of the IP protocol that a rule asks for. */
    static Optional<Integer> protocol(AclRuleSpec rule) {
        return rule.protocol().map(ProtocolNames::protocol);
    }

    private static long[] bits(VlanSet vlans) {
        var bits = new long[VLAN_WORDS];
        vlans.forEach(vlan -> bits[vlan >> 6] |= 1L << vlan);
        return bits;
    }

    /** The first rule that matches; {@link #count} if none does. */
    int match(long[] key) {
        int sourcePort = (int) (key[FlowKey.SOURCE_MAC] >>> FlowKey.PORT_SHIFT);
        int destinationPort = (int) (key[FlowKey.DESTINATION_MAC] >>> FlowKey.PORT_SHIFT);
        for (int r = 0; r < count; r++) {
            int at = r * FlowKey.LENGTH;
            if ((key[FlowKey.META] & masks[at]) == values[at]
                    && matchesAddresses(key, at)
                    && sourcePort >= firstSourcePort[r]
                    && sourcePort <= lastSourcePort[r]
                    && destinationPort >= firstDestinationPort[r]
                    && destinationPort <= lastDestinationPort[r]
                    && matchesVlan(key, vlans[r])) {
                return r;
            }
        }
        return count;
    }

    private boolean matchesAddresses(long[] key, int at) {
        long differences = 0;
        for (int n = FlowKey.SOURCE; n < FlowKey.LENGTH; n++) {
            differences |= key[n] & masks[at + n] ^ values[at + n];
        }
        return differences == 0;
    }

    private static boolean matchesVlan(long[] key, long[] vlans) {
        int vlan = (int) (key[FlowKey.META] >>> FlowKey.VLAN_SHIFT) & 0xFFF;
        return vlans.length == 0 || (vlans[vlan >> 6] >>> vlan & 1) != 0;
    }
}
