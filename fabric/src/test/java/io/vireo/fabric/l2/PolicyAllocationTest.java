package io.vireo.fabric.l2;

import static io.vireo.fabric.l2.Packets.address4;
import static io.vireo.fabric.l2.Packets.ethernet;
import static io.vireo.fabric.l2.Packets.ipv4;
import static io.vireo.fabric.l2.Packets.ports;
import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.vireo.fabric.l2.acl.AclKind;
import io.vireo.net.AccessList;
import io.vireo.net.CaptureSpec;
import io.vireo.net.FrameBatch;
import io.vireo.net.PortPolicy;
import io.vireo.net.PortSpec;
import io.vireo.resource.IpPrefix;
import io.vireo.resource.MacAddress;
import io.vireo.resource.Metadata;
import io.vireo.resource.VlanSet;
import io.vireo.resource.spec.AclSpec;
import io.vireo.resource.spec.AclSpec.Action;
import io.vireo.resource.spec.AntiSpoofingSpec;
import io.vireo.resource.spec.AntiSpoofingSpec.LinkLocal;
import io.vireo.resource.spec.MirrorDestinationSpec;
import io.vireo.resource.spec.MirrorSourceSpec;
import io.vireo.resource.spec.MirrorSpec;
import io.vireo.resource.spec.MulticastSnoopingSpec;
import io.vireo.resource.spec.PortPolicySpec;
import io.vireo.resource.spec.PortPolicySpec.Isolation;
import io.vireo.resource.spec.PortPolicySpec.Permission;
import io.vireo.resource.spec.StormControlSpec;
import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

/** A pass over a port with every policy, a mirror and a capture allocates nothing. */
class PolicyAllocationTest {
    private static final long A = 0x5254_0000_000AL;
    private static final long B = 0x5254_0000_000BL;
    private static final int PASSES = 20_000;

    private static final MirrorSpec MIRROR =
            new MirrorSpec(
                    "lan",
                    List.of(
                            new MirrorSourceSpec(
                                    Optional.of("a.eth0"),
                                    Optional.empty(),
                                    MirrorSpec.Direction.BOTH)),
                    new MirrorDestinationSpec(Optional.of("probe.eth0"), Optional.empty(), false),
                    OptionalInt.of(64),
                    OptionalInt.of(1_000_000),
                    64);

    private static PortPolicy policyOf(List<AccessList> lists) {
        return new PortPolicy(Optional.empty(), PortPolicySpec.NONE, lists, lists);
    }

    @Test
    void nothingIsAllocated() {
        var packet = ipv4(address4(10, 0, 0, 5), -1, 17, 0, ports(1, 2));
        var bridge = new Bridge(1500, VlanSet.NONE, 1000, 300);
        var rules =
                new PortPolicySpec(
                        Optional.of(Isolation.ISOLATED),
                        Optional.empty(),
                        OptionalInt.of(5),
                        List.of(),
                        Optional.of(
                                new AntiSpoofingSpec(
                                        List.of(),
                                        List.of(IpPrefix.parse("10.0.0.5")),
                                        LinkLocal.EUI64)),
                        Optional.of(Permission.DENY),
                        Optional.of(Permission.DENY),
                        Optional.of(
                                new StormControlSpec(
                                        OptionalInt.of(1000),
                                        OptionalInt.of(1000),
                                        OptionalInt.of(1000),
                                        64)),
                        List.of(),
                        List.of());
        var spec =
                new AclSpec(
                        List.of(
                                AclTest.rule(Action.DENY, "protocol tcp", "flags syn"),
                                AclTest.rule(Action.PERMIT, "protocol udp", "dport 2")),
                        Action.DENY);
        var lists =
                new AclKind()
                                .realize(Metadata.of("acl", "u"), spec, new AclTest.Nothing())
                                .contract(AccessList.class)
                                .stream()
                                .toList();
        var policy = new PortPolicy(Optional.of(new MacAddress(A)), rules, lists, lists);
        var port =
                bridge.add(
                        EndlessPort.of("a.eth0", ethernet(B, A, 0x0800, packet)),
                        PortSpec.access(0).with(policy));
        bridge.add(
                EndlessPort.of("b.eth0", new byte[60]), PortSpec.access(0).with(policyOf(lists)));
        bridge.add(EndlessPort.of("probe.eth0", new byte[60]), PortSpec.access(0));
        bridge.add(new Mirror(MIRROR, () -> {}));
        var spectator =
                new Capture(
                        new PortCaptures(bridge, port, Runnable::run),
                        new CaptureSpec(CaptureSpec.Direction.OUT, 64, 1, "port 2"),
                        "");
        var tap = new Capture.Tap();
        assertThat(bridge.beginCapture(port, tap, spectator)).isTrue();
        var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        for (int i = 0; i < PASSES; i++) {
            bridge.pass(port);
        }
        long before = threads.getCurrentThreadAllocatedBytes();
        for (int i = 0; i < PASSES; i++) {
            bridge.pass(port);
        }
        // A byte for each pass would be a sign; the first call of the bean takes a little.
        assertThat(threads.getCurrentThreadAllocatedBytes() - before).isLessThan(PASSES);
        assertThat(tap.statistics().accepted()).isEqualTo(2L * PASSES * FrameBatch.CAPACITY);
        assertThat(port.counters().receivedFrames()).isEqualTo(2L * PASSES * FrameBatch.CAPACITY);
        bridge.close();
    }

    @Test
    void aMulticastAllocatesNothing() {
        var bridge = new Bridge(1500, VlanSet.NONE, 1000, 300);
        int group = address4(239, 1, 2, 3);
        var packet = ipv4(address4(10, 0, 0, 5), group, 17, 0, ports(1, 2));
        var frame = ethernet(0x0100_5E01_0203L, A, 0x0800, packet);
        var port = bridge.add(EndlessPort.of("a.eth0", frame), PortSpec.access(0));
        bridge.snoop(
                Optional.of(new MulticastSnoopingSpec(260, false, 8, false, Optional.empty())), 2);
        // A hello of PIM makes the other port one of a router, which gets all multicasts.
        var hello = ipv4(address4(10, 0, 0, 9), address4(224, 0, 0, 13), 103, 0, new byte[8]);
        var source = EndlessPort.of("r", ethernet(0x0100_5E00_000DL, B, 0x0800, hello));
        var router = bridge.add(source, PortSpec.access(0));
        bridge.pass(router);
        var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        for (int i = 0; i < PASSES; i++) {
            bridge.pass(port);
        }
        long before = threads.getCurrentThreadAllocatedBytes();
        for (int i = 0; i < PASSES; i++) {
            bridge.pass(port);
        }
        assertThat(threads.getCurrentThreadAllocatedBytes() - before).isLessThan(PASSES);
        assertThat(router.counters().transmittedFrames())
                .isEqualTo(2L * PASSES * FrameBatch.CAPACITY);
        assertThat(port.counters().flooded()).isZero();
        bridge.close();
    }
}
