package io.vireo.fabric.l2;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.vireo.net.FrameBatch;
import io.vireo.net.PortSpec;
import io.vireo.net.QosPolicy;
import io.vireo.net.QosSettings;
import io.vireo.net.QosSettings.Marking;
import io.vireo.resource.VlanSet;
import io.vireo.testkit.FramePort;
import io.vireo.testkit.Frames;
import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Marks of 802.1p and of differentiated services, by the policies of ports. */
class MarkingTest {
    private static final long GUEST = 0x5254_0000_0001L;
    private static final long SINK = 0x5254_0000_00FFL;
    private static final int NETWORK = 14;
    private static final int IPV4_CHECKSUM = NETWORK + 10;
    private static final int IPV4 = 0x0800;
    private static final int IPV6 = 0x86DD;
    private static final int UDP = 17;

    private final Bridge bridge = new Bridge(1500, VlanSet.NONE, 1000, 300);
    private final SwitchQos qos = new SwitchQos(Runnable::run, () -> 0);
    private final FramePort outside = new FramePort("up", 1500);
    private final FramePort other = new FramePort("other", 1500);
    private final FramePort card = new FramePort("card", 1500);

    MarkingTest() {
        bridge.add(outside, PortSpec.transparent(true));
        bridge.add(other, PortSpec.access(10));
    }

    @AfterEach
    void close() {
        qos.close();
        bridge.close();
    }

    private BridgePort plugIn(PortSpec spec, OptionalInt pcp, OptionalInt dscp) {
        var port = bridge.add(card, spec);
        qos.add(port, Optional.of(policy(new Marking(pcp, dscp))), () -> {});
        return port;
    }

    private static QosPolicy policy(Marking marking) {
        return new QosPolicy(
                "marks", new QosSettings(Optional.empty(), Optional.empty(), 1, 0, 0, marking));
    }

    private List<byte[]> leaves(BridgePort port, byte[]... frames) {
        outside.sent();
        for (var frame : frames) {
            card.arrive(frame);
        }
        var rates = port.qos;
        if (rates == null) {
            bridge.pass(port);
        } else {
            rates.pass(bridge, 0);
        }
        return outside.sent();
    }

    private static byte[] ipv4(int typeOfService) {
        var frame =
                Packets.ethernet(
                        SINK, GUEST, IPV4, Packets.ipv4(1, 2, UDP, 0, Packets.ports(1000, 2000)));
        frame[NETWORK + 1] = (byte) typeOfService;
        Frames.put(frame, IPV4_CHECKSUM, Frames.checksum(frame, NETWORK, 20, 0));
        return frame;
    }

    private static byte[] ipv6(int trafficClass) {
        var frame =
                Packets.ethernet(
                        SINK,
                        GUEST,
                        IPV6,
                        Packets.ipv6(
                                Packets.address6(1, 1),
                                Packets.address6(1, 2),
                                UDP,
                                Packets.ports(1000, 2000)));
        Frames.put(frame, NETWORK, 0x6000 | trafficClass << 4 | 0xA);
        return frame;
    }

    @Test
    void tagsGetThePriorityWhateverTheServerWrote() {
        var access = plugIn(PortSpec.access(10), OptionalInt.of(5), OptionalInt.empty());
        var plain = ipv4(0xB9);
        assertThat(leaves(access, plain, Frames.tagged(plain, 0xE000)))
                .containsExactly(Frames.tagged(plain, 0xA00A), Frames.tagged(plain, 0xA00A));
        assertThat(other.sent()).as("it has no tag to mark").containsExactly(plain, plain);
        bridge.remove(access);
        qos.remove(access);

        var trunk =
                plugIn(
                        PortSpec.trunk(VlanSet.of(List.of(10)), OptionalInt.of(20)),
                        OptionalInt.of(0),
                        OptionalInt.empty());
        assertThat(leaves(trunk, Frames.tagged(plain, 0xF00A), plain))
                .as("the bit of drop eligibility stays")
                .containsExactly(Frames.tagged(plain, 0x100A), Frames.tagged(plain, 20));
    }

    @Test
    void packetsGetTheCodePointAndKeepTheRest() {
        var port = plugIn(PortSpec.access(0), OptionalInt.empty(), OptionalInt.of(46));
        assertThat(leaves(port, ipv4(0x03), ipv6(0x03), ipv4(0xFD)))
                .containsExactly(ipv4(0xBB), ipv6(0xBB), ipv4(0xB9));
        var arp = Packets.ethernet(SINK, GUEST, 0x0806, Packets.arp(1, GUEST, 1, 2));
        var wrong = ipv4(0);
        wrong[NETWORK] = 0x65;
        var shortest = new byte[NETWORK];
        System.arraycopy(ipv4(0), 0, shortest, 0, NETWORK);
        assertThat(leaves(port, arp, wrong, shortest)).containsExactly(arp, wrong, shortest);
        assertThat(leaves(port, Frames.tagged(ipv4(0), 0))).containsExactly(ipv4(0xB8));
    }

    /** As the sum of all words is, whatever they happen to be. */
    @Test
    void theChecksumIsThatOfThePacket() {
        long seed = System.nanoTime();
        var random = new Random(seed);
        for (int round = 0; round < 2000; round++) {
            int codePoint = random.nextInt(64);
            var frame = ipv4(random.nextInt(256));
            // Words that let the sum be what it happens to be.
            Frames.put(frame, NETWORK + 4, random.nextInt(0x10000));
            Frames.put(frame, IPV4_CHECKSUM, 0);
            Frames.put(frame, IPV4_CHECKSUM, Frames.checksum(frame, NETWORK, 20, 0));
            var port = plugIn(PortSpec.access(0), OptionalInt.empty(), OptionalInt.of(codePoint));
            var sent = leaves(port, frame).getFirst();
            assertThat((sent[NETWORK + 1] & 0xFF) >> 2).isEqualTo(codePoint);
            int checksum = Frames.get(sent, IPV4_CHECKSUM);
            Frames.put(sent, IPV4_CHECKSUM, 0);
            assertThat(checksum)
                    .as("seed %d", seed)
                    .isEqualTo(Frames.checksum(sent, NETWORK, 20, 0));
            bridge.remove(port);
            qos.remove(port);
        }
    }

    @Test
    void marksComeAndGoWhileFramesFlow() {
        var port = plugIn(PortSpec.access(10), OptionalInt.of(7), OptionalInt.of(10));
        assertThat(leaves(port, ipv4(0))).containsExactly(Frames.tagged(ipv4(0x28), 0xE00A));
        qos.change(port, Optional.of(policy(new Marking(OptionalInt.of(1), OptionalInt.empty()))));
        assertThat(leaves(port, ipv4(4))).containsExactly(Frames.tagged(ipv4(4), 0x200A));
        qos.change(port, Optional.empty());
        assertThat(port.qos).isNull();
        assertThat(port.ingress).isSameAs(PortStage.NONE);
        assertThat(leaves(port, Frames.tagged(ipv4(4), 0xE000)))
                .as("the server's own")
                .containsExactly(Frames.tagged(ipv4(4), 0xE00A));
        assertThat(leaves(port, ipv4(4))).containsExactly(Frames.tagged(ipv4(4), 10));
    }

    @Test
    void marksAllocateNothing() {
        var stage = new MarkStage(new Marking(OptionalInt.of(1), OptionalInt.of(1)));
        var pass = new Pass();
        pass.fill(ipv4(0));
        var index = new int[FrameBatch.CAPACITY];
        var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long least = Long.MAX_VALUE;
        for (int round = 0; round < 100 && least > 0; round++) {
            long before = threads.getCurrentThreadAllocatedBytes();
            for (int i = 0; i < 1000; i++) {
                stage.apply(pass, index, 1);
            }
            least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
        }
        assertThat(least).isZero();
    }
}
