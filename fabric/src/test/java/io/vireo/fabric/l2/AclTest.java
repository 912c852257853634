package io.vireo.fabric.l2;

import static io.vireo.fabric.l2.Packets.address4;
import static io.vireo.fabric.l2.Packets.address6;
import static io.vireo.fabric.l2.Packets.ethernet;
import static io.vireo.fabric.l2.Packets.fragment;
import static io.vireo.fabric.l2.Packets.ipv4;
import static io.vireo.fabric.l2.Packets.ipv6;
import static io.vireo.fabric.l2.Packets.ports;
import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.fabric.l2.acl.AclKind;
import io.vireo.net.AccessList;
import io.vireo.net.DropReason;
import io.vireo.net.Offload;
import io.vireo.net.PortPolicy;
import io.vireo.net.PortSpec;
import io.vireo.resource.IpPrefix;
import io.vireo.resource.MacAddress;
import io.vireo.resource.Metadata;
import io.vireo.resource.PortRange;
import io.vireo.resource.Realization;
import io.vireo.resource.RealizeContext;
import io.vireo.resource.Reference;
import io.vireo.resource.VlanSet;
import io.vireo.resource.spec.AclRuleSpec;
import io.vireo.resource.spec.AclSpec;
import io.vireo.resource.spec.AclSpec.Action;
import io.vireo.resource.spec.PortPolicySpec;
import io.vireo.testkit.FramePort;
import io.vireo.testkit.Frames;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Tag("endurance")
class AclTest {
    private static final long A = 0x5254_0000_000AL;
    private static final long B = 0x5254_0000_000BL;
    private static final long UNKNOWN = 0x5254_0000_00CCL;
    private static final int ME = address4(10, 0, 0, 5);
    private static final int PEER = address4(10, 0, 1, 9);
    private static final byte[] ME6 = address6(0xFD00_0000_0000_0000L, 5);
    private static final byte[] PEER6 = address6(0xFD00_0000_0000_0001L, 9);

    private final AclKind kind = new AclKind();
    private final Bridge bridge = new Bridge(9000, VlanSet.NONE, 1000, 300);
    private final FramePort a = new FramePort("a", 9000);
    private final FramePort b = new FramePort("b", 9000);
    private final BridgePort portA = bridge.add(a, PortSpec.transparent(false));
    private final BridgePort portB = bridge.add(b, PortSpec.transparent(false));

    @AfterEach
    void close() {
        bridge.close();
    }

    /** A host with nothing in it. */
    static final class Nothing implements RealizeContext {
        @Override
        public <T> T require(Reference reference, Class<T> contract) {
            throw new AssertionError();
        }

        @Override
        public <T> T service(Class<T> type) {
            throw new AssertionError();
        }

        @Override
        public boolean provisioned() {
            return false;
        }

        @Override
        public Runnable statusChanged() {
            return () -> {};
        }
    }

    private Realization realize(AclSpec spec) {
        return kind.realize(Metadata.of("acl", "u"), spec, new Nothing());
    }

    private void change(Realization acl, AclSpec spec) {
        kind.update(acl, Metadata.of("acl", "u"), spec, spec, new Nothing());
    }

    private static AccessList list(Realization acl) {
        return acl.contract(AccessList.class).orElseThrow();
    }

    private static PortSpec port(List<AccessList> ingress, List<AccessList> egress) {
        return PortSpec.transparent(false)
                .with(new PortPolicy(Optional.empty(), PortPolicySpec.NONE, ingress, egress));
    }

    private static AclSpec acl(Action otherwise, AclRuleSpec... rules) {
        return new AclSpec(List.of(rules), otherwise);
    }

    /** A rule of conditions like {@code to 10.0.0.0/8}. */
    static AclRuleSpec rule(Action action, String... conditions) {
        var all = List.of(conditions);
        return new AclRuleSpec(
                action,
                value(all, "type"),
                value(all, "vlan").map(VlanSet::parse),
                value(all, "from-mac").map(MacAddress::parse),
                value(all, "to-mac").map(MacAddress::parse),
                value(all, "protocol"),
                value(all, "from").map(IpPrefix::parse),
                value(all, "to").map(IpPrefix::parse),
                value(all, "sport").map(PortRange::parse),
                value(all, "dport").map(PortRange::parse),
                number(value(all, "icmp")),
                number(value(all, "code")),
                value(all, "flags"),
                all.contains("later"));
    }

    private static Optional<String> value(List<String> conditions, String name) {
        return conditions.stream()
                .filter(condition -> condition.startsWith(name + " "))
                .map(condition -> condition.substring(name.length() + 1))
                .findFirst();
    }

    private static OptionalInt number(Optional<String> text) {
        return text.map(Integer::parseInt).map(OptionalInt::of).orElse(OptionalInt.empty());
    }

    private @Nullable DropReason send(byte[] frame) {
        var before = portA.counters().receivedDrops();
        a.arrive(frame);
        bridge.pass(portA);
        var sent = b.sent();
        if (!sent.isEmpty()) {
            assertThat(sent).containsExactly(frame);
            return null;
        }
        var after = portA.counters().receivedDrops();
        return DropReason.ofReceived().stream()
                .filter(reason -> !Objects.equals(after.get(reason), before.get(reason)))
                .findFirst()
                .orElse(null);
    }

    private static byte[] v4(int source, int destination, int protocol, byte[] data) {
        return ethernet(B, A, 0x0800, ipv4(source, destination, protocol, 0, data));
    }

    private static byte[] tcp(int from, int to, int flags) {
        var header = ports(from, to);
        header[13] = (byte) flags;
        return header;
    }

    @Test
    void theFirstRuleThatMatchesDecides() {
        var web =
                realize(
                        acl(
                                Action.DENY,
                                rule(Action.PERMIT, "type arp"),
                                rule(Action.DENY, "protocol tcp", "to 10.0.1.9", "dport 443"),
                                rule(Action.PERMIT, "protocol tcp", "dport 80-443", "vlan 1-7"),
                                rule(Action.PERMIT, "protocol icmp", "icmp 8", "code 0")));
        bridge.change(portA, port(List.of(list(web)), List.of()));
        var http = v4(ME, PEER, 6, tcp(1024, 80, 2));
        assertThat(send(http)).as("without VLAN").isEqualTo(DropReason.ACL);
        assertThat(send(Frames.tagged(http, 7))).isNull();
        assertThat(send(Frames.tagged(http, 8))).isEqualTo(DropReason.ACL);
        var https = v4(ME, PEER, 6, tcp(1024, 443, 2));
        assertThat(send(Frames.tagged(https, 7))).isEqualTo(DropReason.ACL);
        var elsewhere = v4(ME, PEER + 1, 6, tcp(1024, 443, 2));
        assertThat(send(Frames.tagged(elsewhere, 7))).isNull();
        assertThat(send(v4(ME, PEER, 1, new byte[] {8, 0, 0, 0}))).isNull();
        assertThat(send(v4(ME, PEER, 1, new byte[] {8, 1, 0, 0}))).isEqualTo(DropReason.ACL);
        assertThat(send(ethernet(B, A, 0x0806, new byte[28]))).isNull();
        assertThat(web.status().metrics())
                .extracting(metric -> metric.value())
                .containsExactly(1.0, 1.0, 2.0, 1.0, 3.0);
    }

    @Test
    void listsFollowEachOtherAndTheLastDefaultCounts() {
        var first = realize(acl(Action.DENY, rule(Action.DENY, "protocol udp")));
        var second = realize(acl(Action.PERMIT, rule(Action.DENY, "protocol tcp", "dport 23")));
        bridge.change(portA, port(List.of(list(first), list(second)), List.of()));
        assertThat(send(v4(ME, PEER, 17, ports(1, 2)))).isEqualTo(DropReason.ACL);
        assertThat(send(v4(ME, PEER, 6, tcp(1, 23, 0)))).isEqualTo(DropReason.ACL);
        assertThat(send(v4(ME, PEER, 6, tcp(1, 24, 0)))).isNull();
        assertThat(first.status().metrics())
                .extracting(metric -> metric.value())
                .containsExactly(1.0, 0.0);
        assertThat(second.status().metrics())
                .extracting(metric -> metric.value())
                .containsExactly(1.0, 1.0);
    }

    @Test
    void listsForBothDirectionsAndTheirChangeWhileFramesFlow() {
        var open = acl(Action.PERMIT);
        var closed = acl(Action.DENY);
        var acl = realize(open);
        bridge.change(portB, port(List.of(), List.of(list(acl))));
        var frame = v4(ME, PEER, 6, tcp(1, 2, 0));
        assertThat(send(frame)).isNull();
        change(acl, closed);
        a.arrive(frame);
        bridge.pass(portA);
        assertThat(b.sent()).isEmpty();
        assertThat(portB.counters().transmittedDropped(DropReason.ACL)).isEqualTo(1);
        change(acl, open);
        assertThat(send(frame)).isNull();
        assertThat(send(frame)).isNull();
        bridge.remove(portB);
        assertThat(acl.status().metrics().getLast().value())
                .as("counted since the change, the port gone")
                .isEqualTo(2);
    }

    @Test
    void flagsAndMacAddresses() {
        var acl =
                realize(
                        acl(
                                Action.DENY,
                                rule(Action.DENY, "protocol tcp", "flags syn,!ack"),
                                rule(Action.PERMIT, "from-mac 52:54:00:00:00:0a")));
        bridge.change(portA, port(List.of(list(acl)), List.of()));
        assertThat(send(v4(ME, PEER, 6, tcp(1, 2, 0x02)))).isEqualTo(DropReason.ACL);
        assertThat(send(v4(ME, PEER, 6, tcp(1, 2, 0x12)))).isNull();
        var other = ethernet(B, A + 4, 0x0800, ipv4(ME, PEER, 6, 0, tcp(1, 2, 0x12)));
        assertThat(send(other)).isEqualTo(DropReason.ACL);
        var options = ipv4(ME, PEER, 6, 0, new byte[40], tcp(1, 2, 0x02));
        assertThat(send(ethernet(B, A, 0x0800, options)))
                .as("beyond the first 64 bytes")
                .isEqualTo(DropReason.ACL);
    }

    @Test
    void fragmentsWithoutPortsMatchOnlyRulesWithoutPorts() {
        var acl =
                realize(
                        acl(
                                Action.DENY,
                                rule(Action.PERMIT, "protocol udp", "dport 53"),
                                rule(Action.PERMIT, "to 10.0.1.0/24", "later")));
        bridge.change(portA, port(List.of(list(acl)), List.of()));
        var first = ipv4(ME, PEER, 17, 0x2000, ports(1, 53));
        var later = ipv4(ME, PEER, 17, 3, ports(1, 53));
        var laterElsewhere = ipv4(ME, ME, 17, 3, ports(1, 53));
        var whole = ipv4(ME, PEER, 17, 0, ports(1, 54));
        assertThat(send(ethernet(B, A, 0x0800, first))).isNull();
        assertThat(send(ethernet(B, A, 0x0800, later))).isNull();
        assertThat(send(ethernet(B, A, 0x0800, laterElsewhere))).isEqualTo(DropReason.ACL);
        assertThat(send(ethernet(B, A, 0x0800, whole))).isEqualTo(DropReason.ACL);
        var overwrites = ipv4(ME, PEER, 6, 1, new byte[24]);
        assertThat(send(ethernet(B, A, 0x0800, overwrites))).isEqualTo(DropReason.UNREADABLE);
        var tiny = Arrays.copyOf(ethernet(B, A, 0x0800, ipv4(ME, PEER, 17, 0, ports(1, 53))), 36);
        assertThat(send(tiny)).isEqualTo(DropReason.UNREADABLE);
        var six = ipv6(ME6, PEER6, 44, fragment(17, 2, false, ports(1, 53)));
        assertThat(send(ethernet(B, A, 0x86DD, six))).isEqualTo(DropReason.ACL);
    }

    /** The flags that are checked are those that the receiver puts together. */
    @Test
    void flagsDoNotLieBehindTheEndOfThePacket() {
        var acl = realize(acl(Action.DENY, rule(Action.PERMIT, "protocol tcp", "flags ack")));
        bridge.change(portA, port(List.of(list(acl)), List.of()));
        var segment = tcp(1, 2, 0x10);
        var part = fragment(6, 0, true, segment);
        var whole = ipv6(ME6, PEER6, 44, part);
        assertThat(send(ethernet(B, A, 0x86DD, whole))).isNull();
        var short8 = whole.clone();
        short8[5] = 16;
        assertThat(send(ethernet(B, A, 0x86DD, short8))).isEqualTo(DropReason.UNREADABLE);
    }

    @Test
    void checksumsAreNotPutOverWhatWasChecked() {
        var acl = realize(acl(Action.PERMIT, rule(Action.DENY, "protocol udp", "dport 53")));
        bridge.change(portB, port(List.of(), List.of(list(acl))));
        long offload = Offload.of(Offload.NEEDS_CHECKSUM, 0, 0, 0, 34);
        var frame = v4(ME, PEER, 17, ports(1, 54));
        a.arrive(frame, offload, 2);
        bridge.pass(portA);
        assertThat(b.sent()).isEmpty();
        assertThat(portB.counters().transmittedDropped(DropReason.UNREADABLE)).isEqualTo(1);
        a.arrive(frame, offload, 6);
        bridge.pass(portA);
        assertThat(b.sent()).containsExactly(frame);
    }

    /** Receivers look under tags without a VLAN: 8100 and 88a8 with the identifier 0. */
    @Test
    void rulesAreNotEvadedUnderAFurtherTag() {
        var deny = rule(Action.DENY, "protocol tcp", "dport 22");
        var acl = realize(acl(Action.PERMIT, deny));
        bridge.change(portA, port(List.of(list(acl)), List.of()));
        var ssh = v4(ME, PEER, 6, tcp(1, 22, 2));
        var hidden = Frames.tagged(ssh, 0);
        Frames.put(hidden, 12, 0x88A8);
        assertThat(send(hidden)).isEqualTo(DropReason.UNREADABLE);
        assertThat(send(Frames.tagged(Frames.tagged(ssh, 0), 5))).isEqualTo(DropReason.UNREADABLE);
        var snap = ethernet(B, A, 40, new byte[] {(byte) 0xAA, (byte) 0xAA, 3, 0, 0, 0, 8, 0});
        assertThat(send(snap)).isEqualTo(DropReason.UNREADABLE);
        var tunnel =
                ethernet(
                        B,
                        A,
                        40,
                        new byte[] {(byte) 0xAA, (byte) 0xAA, 3, 0, 0, (byte) 0xF8, 8, 0});
        assertThat(send(tunnel)).isEqualTo(DropReason.UNREADABLE);
        // No IP: a spanning tree of Cisco's.
        var tree =
                ethernet(B, A, 40, new byte[] {(byte) 0xAA, (byte) 0xAA, 3, 0, 0, 0x0C, 1, 0x0B});
        assertThat(send(tree)).isNull();
        assertThat(send(ethernet(B, A, 0x88B5, new byte[40]))).isNull();
        var named = realize(acl(Action.PERMIT, rule(Action.PERMIT, "type 0x88a8"), deny));
        bridge.change(portA, port(List.of(list(named)), List.of()));
        assertThat(send(hidden)).as("permitted by name").isNull();
        assertThat(send(Frames.tagged(Frames.tagged(ssh, 0), 5))).isEqualTo(DropReason.UNREADABLE);
        var macs = realize(acl(Action.PERMIT, rule(Action.DENY, "to-mac 52:54:00:00:00:0c")));
        bridge.change(portA, port(List.of(list(macs)), List.of()));
        assertThat(send(hidden)).as("no rule looks further").isNull();
    }

    @Test
    void contradictionsAreRefused() {
        var spec =
                acl(
                        Action.DENY,
                        rule(Action.PERMIT, "dport 80"),
                        rule(Action.PERMIT, "protocol udp", "icmp 8"),
                        rule(Action.PERMIT, "protocol icmp", "code 1"),
                        rule(Action.PERMIT, "protocol udp", "flags syn"),
                        rule(Action.PERMIT, "protocol tcp", "dport 1", "later"),
                        rule(Action.PERMIT, "from 10.0.0.0/8", "to fd00::/8"),
                        rule(Action.PERMIT, "type arp", "from 10.0.0.0/8"),
                        rule(Action.PERMIT, "type ipv6", "from 10.0.0.0/8"),
                        rule(Action.PERMIT, "protocol 256"),
                        rule(Action.PERMIT, "protocol tcp", "dport 80", "to fd00::/8"));
        assertThat(kind.validate(Metadata.of("acl", "u"), spec))
                .extracting(violation -> violation.pointer())
                .containsExactly(
                        "/spec/rules/0/protocol",
                        "/spec/rules/1/protocol",
                        "/spec/rules/2/icmpCode",
                        "/spec/rules/3/protocol",
                        "/spec/rules/4/laterFragments",
                        "/spec/rules/5/destination",
                        "/spec/rules/6/etherType",
                        "/spec/rules/7/etherType",
                        "/spec/rules/8/protocol");
    }

    /** Random lists over random frames, flows repeated, against one rule after the other. */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void agreesWithASimpleSearch(long number) {
        long seed = Long.getLong("vireo.seed", number);
        System.out.println("seed " + seed);
        var random = new Random(seed);
        var rules = new ArrayList<AclRuleSpec>();
        for (int i = 0; i < 100; i++) {
            rules.add(randomRule(random));
        }
        var spec = new AclSpec(rules, random.nextBoolean() ? Action.PERMIT : Action.DENY);
        assertThat(kind.validate(Metadata.of("acl", "u"), spec)).isEmpty();
        bridge.change(portA, port(List.of(list(realize(spec))), List.of()));
        for (int i = 0; i < 3000; i++) {
            var frame = randomFrame(random);
            assertThat(send(frame) == null)
                    .as("seed %d, frame %d", seed, i)
                    .isEqualTo(AclOracle.permits(spec, frame));
        }
    }

    private static AclRuleSpec randomRule(Random random) {
        var action = random.nextBoolean() ? Action.PERMIT : Action.DENY;
        var conditions = new ArrayList<String>();
        boolean six = random.nextInt(3) == 0;
        if (random.nextInt(3) == 0) {
            conditions.add("vlan " + (1 + random.nextInt(3)) + "-" + (3 + random.nextInt(3)));
        }
        if (random.nextInt(5) == 0) {
            conditions.add("from-mac 52:54:00:00:00:0" + (random.nextBoolean() ? 'a' : 'b'));
        }
        if (random.nextBoolean()) {
            int bits = random.nextInt(15);
            conditions.add(
                    six
                            ? "from fd00::" + (bits < 8 ? random.nextInt(8) : "/" + 8 * bits)
                            : "from 10.0.0." + (bits < 8 ? random.nextInt(8) : "0/" + (16 + bits)));
        }
        if (random.nextInt(3) == 0) {
            conditions.add(six ? "to fd00:0:0:1::/64" : "to 10.0." + random.nextInt(3) + ".0/24");
        }
        switch (random.nextInt(6)) {
            case 0, 1 -> {
                conditions.add("protocol tcp");
                conditions.add("dport " + random.nextInt(8) + "-" + (8 + random.nextInt(8)));
                if (random.nextInt(3) == 0) {
                    conditions.add(random.nextBoolean() ? "flags syn,!ack" : "flags ack");
                }
            }
            case 2 -> {
                conditions.add("protocol udp");
                conditions.add("sport " + random.nextInt(16));
            }
            case 3 -> {
                conditions.add(six ? "protocol icmpv6" : "protocol icmp");
                conditions.add("icmp " + random.nextInt(4));
            }
            case 4 -> conditions.add("later");
            default -> {}
        }
        return rule(action, conditions.toArray(String[]::new));
    }

    private static byte[] randomFrame(Random random) {
        long mac = random.nextBoolean() ? A : A + 1;
        int protocol = List.of(1, 6, 17, 58, 47).get(random.nextInt(5));
        var data = ports(random.nextInt(16), random.nextInt(16));
        if (protocol == 1 || protocol == 58) {
            data[0] = (byte) random.nextInt(4);
        }
        data[13] = (byte) random.nextInt(64);
        byte[] frame;
        if (random.nextInt(3) == 0) {
            var source = address6(0xFD00_0000_0000_0000L, random.nextInt(8));
            boolean part = random.nextInt(4) == 0;
            var payload = part ? fragment(protocol, random.nextInt(2), true, data) : data;
            var packet = ipv6(source, PEER6, part ? 44 : protocol, payload);
            frame = ethernet(UNKNOWN, mac, 0x86DD, packet);
        } else if (random.nextInt(8) == 0) {
            frame = ethernet(UNKNOWN, mac, random.nextBoolean() ? 0x0806 : 0x88B5, new byte[28]);
        } else {
            int source = address4(10, 0, 0, random.nextInt(8));
            int destination = address4(10, 0, random.nextInt(3), 9);
            int fragmentation = List.of(0, 0, 0, 0x2000, 2).get(random.nextInt(5));
            var packet = ipv4(source, destination, protocol, fragmentation, data);
            frame = ethernet(UNKNOWN, mac, 0x0800, packet);
        }
        return random.nextBoolean() ? frame : Frames.tagged(frame, 1 + random.nextInt(5));
    }
}
