package io.vireo.device.virtio.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vireo.linux.ForeignMemory;
import io.vireo.net.FrameBatch;
import io.vireo.net.Offload;
import io.vireo.net.PortState;
import io.vireo.resource.MacAddress;
import io.vireo.testkit.Frames;
import io.vireo.testkit.NetDriver;
import io.vireo.virtqueue.Virtqueue;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@ParameterizedClass
@ValueSource(longs = {0, Virtqueue.RING_PACKED})
class VirtioNetDeviceTest extends TwoCards {
    private static final long MODERN = Virtqueue.VERSION_1;

    private final long ring;
    private final long modern;

    VirtioNetDeviceTest(long ring) {
        this.ring = ring;
        modern = MODERN | ring;
    }

    @Test
    void configurationSpace() {
        var config = new byte[a.configSize()];
        a.readConfig(0, config, config.length);
        assertThat(Arrays.copyOf(config, 12))
                .containsExactly(0x52, 0x54, 0, 0, 0, 0x0A, 1, 0, 1, 0, 0xDC, 5);
        var mtu = new byte[2];
        a.readConfig(10, mtu, 2);
        assertThat(mtu).containsExactly(0xDC, 5);
        a.writeConfig(0, new byte[6], 6, failure -> assertThat(failure).contains("read-only"));
        assertThat(a.features() & NetFeatures.MQ).isZero();
        assertThat(device("mq", A, 4).features() & NetFeatures.MQ).isNotZero();
        assertThat(a.setMtu(67)).isFalse();
        assertThat(a.setMtu(9000)).isTrue();
        assertThat(a.mtu()).isEqualTo(9000);
    }

    /** A guest that came from another host: RFC 903, as switches expect it after a migration. */
    @Test
    void announcesWhereItsAddressIsNow() throws Exception {
        try (var from = new NetDriver(a, 64, MODERN);
                var to = new NetDriver(b, 64, MODERN)) {
            to.post(4, 1600);
            var arrived = new ArrayList<MacAddress>();
            a.onArrival(arrived::add);
            from.send(Frames.frame(B, A, 60));
            assertThat(a.announce(new MacAddress(A))).isTrue();
            var taken = new CompletableFuture<Void>();
            reactor().execute(() -> taken.complete(null));
            taken.get(20, TimeUnit.SECONDS);
            assertThat(wire.carry(a, b)).isEqualTo(1);
            assertThat(wire.carry(a, b)).isEqualTo(1);
            assertThat(wire.carry(a, b)).isZero();
            assertThat(HexFormat.of().formatHex(to.received().getFirst().frame()))
                    .isEqualTo(
                            "ffffffffffff52540000000a8035000108000604000352540000000a0000000052540000000a"
                                    + "0".repeat(2 * (60 - 38)));
            assertThat(from.completed()).isEqualTo(1);
            assertThat(arrived).as("the network tells the rest").containsExactly(new MacAddress(A));
        }
    }

    @Test
    void tellsWhenFramesBeginToPass() throws Exception {
        var cameUp = new AtomicInteger();
        a.onUp(cameUp::incrementAndGet);
        try (var driver = new NetDriver(a, 64, modern)) {
            assertThat(cameUp).as("the receive queue runs").hasValue(1);
            driver.post(4, 1600);
            for (boolean plugged : new boolean[] {false, true, true}) {
                a.link(plugged);
                var done = new CompletableFuture<Void>();
                reactor().execute(() -> done.complete(null));
                done.get(20, TimeUnit.SECONDS);
            }
            assertThat(cameUp).as("the link is back").hasValue(2);
            a.stopQueue(0, () -> {});
            a.stopQueue(1, () -> {});
        }
        try (var driver = new NetDriver(a, 64, modern)) {
            driver.post(4, 1600);
            assertThat(cameUp).as("another driver").hasValue(3);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {14, 59, 60, 63, 64, 65, 127, 128, 1514, 65553})
    void carriesFramesOfEveryLength(int length) {
        try (var from = new NetDriver(a, 64, modern);
                var to = new NetDriver(b, 64, modern | NetDriver.MRG_RXBUF)) {
            to.post(64, 1600);
            var frame = Frames.frame(B, A, length);
            from.send(frame);
            assertThat(wire.carry(a, b)).isEqualTo(1);
            assertThat(from.completed()).isEqualTo(1);
            var got = to.received();
            assertThat(got).hasSize(1);
            assertThat(got.getFirst().frame()).isEqualTo(frame);
            assertThat(got.getFirst().buffers()).isEqualTo((12 + length + 1599) / 1600);
            assertThat(to.notified()).isEqualTo(1);
        }
    }

    /** VIRTIO 1.3, 2.7.4: no assumption about framing, of the header neither. */
    @ParameterizedTest
    @ValueSource(longs = {0, MODERN, NetDriver.MRG_RXBUF, MODERN | NetDriver.MRG_RXBUF})
    void framingDoesNotMatter(long features) {
        try (var from = new NetDriver(a, 256, features | ring);
                var to = new NetDriver(b, 256, features | ring)) {
            var frame = Frames.frame(B, A, 200);
            int header = from.headerSize();
            List<int[]> framings =
                    List.of(
                            new int[] {header, 0},
                            new int[] {1, 0},
                            new int[] {header - 1, 0},
                            new int[] {header + 1, 0},
                            new int[] {header + 13, 0},
                            new int[] {header + 64, 0},
                            new int[] {header, 14, 0},
                            new int[] {header, 64, 0},
                            new int[] {3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 0},
                            new int[] {header, 1, 1, 1, 100, 0});
            for (var framing : framings) {
                to.post(framing.length > 2 ? new int[] {1, 5, 7, 300} : new int[] {header, 300});
                to.post(500);
                for (int i = 0; i < 2; i++) {
                    from.send(new byte[header], frame, framing);
                    assertThat(wire.carry(a, b)).isEqualTo(1);
                }
                assertThat(to.received())
                        .as(Arrays.toString(framing))
                        .extracting(NetDriver.Received::frame)
                        .containsExactly(frame, frame);
                assertThat(from.completed()).isEqualTo(2);
            }
        }
    }

    @Test
    void givesNoMoreFramesThanItIsAskedFor() {
        try (var from = new NetDriver(a, 64, MODERN);
                var to = new NetDriver(b, 64, MODERN)) {
            to.post(64, 1600);
            for (int i = 0; i < 10; i++) {
                if (i < 6) {
                    from.send(Frames.frame(B, A, 60 + i));
                } else {
                    from.send(new byte[12], Frames.frame(B, A, 60 + i), 5, 20, 0);
                }
            }
            wire.batch().limit = 4;
            assertThat(wire.carry(a, b)).isEqualTo(4);
            assertThat(wire.carry(a, b)).isBetween(2, 4);
            wire.batch().limit = 1;
            assertThat(wire.carry(a, b)).isEqualTo(1);
            wire.batch().limit = FrameBatch.CAPACITY;
            while (wire.carry(a, b) > 0) {
                assertThat(wire.batch().count).isPositive();
            }
            assertThat(to.received()).hasSize(10);
        }
    }

    @Test
    void keepsTheOrderOfMixedFrames() {
        try (var from = new NetDriver(a, 256, modern | HOST_ALL);
                var to = new NetDriver(b, 256, modern | NetDriver.MRG_RXBUF)) {
            to.post(200, 700);
            for (int i = 0; i < 40; i++) {
                var frame = Frames.frame(B, A, 60 + i * 37);
                if (i % 3 == 0) {
                    from.send(new byte[12], frame, 5, 20, 0);
                } else {
                    from.send(frame);
                }
            }
            assertThat(wire.carry(a, b)).isEqualTo(40);
            var got = to.received();
            for (int i = 0; i < 40; i++) {
                assertThat(got.get(i).frame()).isEqualTo(Frames.frame(B, A, 60 + i * 37));
            }
        }
    }

    /**
     * Group 16 of the hostile inputs: the frame is dropped, the chain completed, the queue lives.
     */
    @Test
    void framesThatBreakARuleAreDroppedAndCounted() {
        try (var from = new NetDriver(a, 256, modern | HOST_ALL & ~NetFeatures.HOST_TSO6);
                var to = new NetDriver(b, 64, modern | NetDriver.MRG_RXBUF | GUEST_ALL)) {
            to.post(64, 1600);
            int before = to.posted();
            var frame = Frames.tcp4(B, A, 0x10, 2000);
            long[] bad = {
                Offload.of(1, Offload.GSO_TCPV4, 54, 0, 34), // gso_size 0
                Offload.of(1, Offload.GSO_TCPV4, 54, 47, 34), // less than any TCP's
                Offload.of(1, Offload.GSO_TCPV4, 60_000, MSS, 34), // hdr_len beyond the frame
                Offload.of(1, Offload.GSO_TCPV4, 54, MSS, 65_535), // csum_start beyond it
                Offload.of(1, Offload.GSO_TCPV4, 54, MSS, 2040), // no room for a TCP header
                Offload.of(0, Offload.GSO_TCPV4, 54, MSS, 34), // without NEEDS_CSUM
                Offload.of(1, Offload.GSO_TCPV6, 54, MSS, 34), // not negotiated
                Offload.of(1, 3, 54, MSS, 34), // UDP: not offered
                Offload.of(1, 0x7F, 54, MSS, 34), // unknown
                Offload.of(1, 0, 0, 0, 2053), // checksum field past the end
                Offload.of(1, 0, 0, 0, 13), // in the Ethernet header
            };
            for (long offload : bad) {
                from.send(frame, offload, TCP_CHECKSUM);
            }
            from.send(frame, Offload.of(1, 0, 0, 0, 34), 0xFFFF);
            from.send(new byte[0]);
            from.send(new byte[13]);
            from.send(new byte[FrameBatch.LENGTH_MAX + 1]);
            from.send(new byte[5], new byte[0], 5);
            int sent = bad.length + 5;
            assertThat(wire.carry(a, b)).isZero();
            assertThat(from.completed()).isEqualTo(sent);
            assertThat(a.statistics().get(NetStatistics.TX_INVALID)).isEqualTo(sent);
            assertThat(to.posted()).isEqualTo(before);
            var good = Frames.frame(B, A, 64);
            from.send(good);
            assertThat(wire.carry(a, b)).isEqualTo(1);
            assertThat(to.received().getFirst().frame()).isEqualTo(good);
            assertThat(from.failures()).isEmpty();
        }
    }

    @Test
    void withoutBuffersFramesAreDroppedAndBuffersKept() {
        try (var from = new NetDriver(a, 64, modern);
                var to = new NetDriver(b, 64, modern | NetDriver.MRG_RXBUF)) {
            to.post(3, 1000);
            for (int i = 0; i < 5; i++) {
                from.send(Frames.frame(B, A, 1500));
            }
            assertThat(wire.carry(a, b)).isEqualTo(1);
            assertThat(from.completed()).isEqualTo(5);
            assertThat(to.received()).hasSize(1);
            assertThat(to.posted()).isEqualTo(1);
            assertThat(b.statistics().get(NetStatistics.RX_NO_BUFFER)).isEqualTo(4);
            from.send(Frames.frame(B, A, 60));
            assertThat(wire.carry(a, b)).isEqualTo(1);
            assertThat(to.received()).hasSize(1);
            assertThat(to.queues().getFirst().inFlight()).isZero();
        }
    }

    @Test
    void withoutMergingABufferTakesAFrameOrNone() {
        try (var from = new NetDriver(a, 64, modern);
                var to = new NetDriver(b, 64, modern)) {
            to.post(2, 1000);
            from.send(Frames.frame(B, A, 1500));
            from.send(Frames.frame(B, A, 900));
            assertThat(wire.carry(a, b)).isEqualTo(1);
            assertThat(to.received().getFirst().frame()).hasSize(900);
            assertThat(b.statistics().get(NetStatistics.RX_BUFFER_TOO_SMALL)).isEqualTo(1);
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {MODERN, MODERN | NetDriver.MRG_RXBUF})
    void runtBuffersAreGivenBackAndDoNotBlockTheQueue(long features) {
        try (var from = new NetDriver(a, 64, modern);
                var to = new NetDriver(b, 64, features | ring)) {
            to.post(10, 8);
            to.post(12);
            to.post(2000);
            from.send(Frames.frame(B, A, 60));
            assertThat(wire.carry(a, b)).isEqualTo(1);
            var got = to.received();
            assertThat(got).hasSize(12);
            assertThat(got.getLast().frame()).isEqualTo(Frames.frame(B, A, 60));
            assertThat(b.statistics().get(NetStatistics.RX_RUNT_BUFFER)).isEqualTo(11);
        }
    }

    /**
     * vhost-user, "Ring states": transmit packets of a disabled ring are processed and discarded.
     */
    @Test
    void disabledTransmitQueueIsEmptiedWithoutEffect() {
        try (var from = new NetDriver(a, 64, modern);
                var to = new NetDriver(b, 64, modern)) {
            to.post(8, 1600);
            var frame = Frames.frame(B, A, 60);
            from.send(frame);
            from.send(frame);
            a.enableQueue(1, false);
            assertThat(from.completed()).isEqualTo(2);
            from.send(frame);
            from.queues().get(1).kick();
            assertThat(from.completed()).isEqualTo(1);
            assertThat(wire.carry(a, b)).isZero();
            assertThat(a.statistics().get(NetStatistics.TX_DISABLED)).isEqualTo(3);

            a.enableQueue(1, true);
            from.send(frame);
            assertThat(wire.carry(a, b)).isEqualTo(1);
            assertThat(to.received()).hasSize(1);
            assertThat(from.completed()).isEqualTo(1);
            assertThat(from.failures()).isEmpty();
        }
    }

    @Test
    void whatArrivesWhileDisabledIsNotAskedFor() {
        var woken = new AtomicInteger();
        a.attached(reactor(), woken::incrementAndGet);
        try (var from = new NetDriver(a, 64, modern)) {
            assertThat(a.arm()).isTrue();
            a.enableQueue(1, false);
            from.send(Frames.frame(B, A, 60));
            from.queues().get(1).kick();
            assertThat(woken).hasValue(0);
            assertThat(a.drainsDisabled(0)).isFalse();
            assertThat(a.drainsDisabled(1)).isTrue();
            a.enableQueue(1, true);
            assertThat(woken).hasValue(1);
        }
    }

    /**
     * The header that was looked at is the header that is sent, whatever the guest writes
     * meanwhile.
     */
    @ParameterizedTest
    @ValueSource(ints = {60, 64, 65, 1514})
    void headerIsNotReadTwice(int length) {
        try (var from = new NetDriver(a, 64, modern);
                var to = new NetDriver(b, 64, modern)) {
            to.post(4, 1600);
            var frame = Frames.frame(B, A, length);
            long before = from.memory().allocate(1, 1);
            from.send(frame);
            var batch = wire.batch();
            batch.clear();
            assertThat(a.receive(batch)).isEqualTo(1);
            long inGuest = from.memory().host(before + 1 + from.headerSize());
            var seen = new byte[14];
            ForeignMemory.copyToArray(inGuest, seen, 0, seen.length);
            assertThat(frame).startsWith(seen);
            ForeignMemory.fill(inGuest, Math.min(length, FrameBatch.SNAPSHOT), (byte) 0xEE);
            assertThat(b.transmit(batch, new int[] {0}, 1)).isEqualTo(1);
            b.flush();
            a.release(batch);
            assertThat(to.received().getFirst().frame()).isEqualTo(frame);
        }
    }

    @Test
    void severalPairsKeepEachFlowInOrder() {
        var many = device("many", B, 4);
        try (var from = new NetDriver(a, 256, modern);
                var first = new NetDriver(many, 256, modern, 0);
                var third = new NetDriver(many, 256, modern, 2)) {
            first.post(200, 1600);
            third.post(200, 1600);
            for (int i = 0; i < 60; i++) {
                var frame = Frames.tcp4(B, A, 0x10, 100 + i);
                Frames.put(frame, 34, 1000 + i % 20);
                from.send(frame);
            }
            assertThat(wire.carry(a, many)).isEqualTo(60);
            var flows = new HashMap<Integer, Integer>();
            var queues = List.of(first.received(), third.received());
            for (var queue : queues) {
                assertThat(queue).as("both queues are used").isNotEmpty();
                var lengths = new HashMap<Integer, Integer>();
                for (var received : queue) {
                    int flow = Frames.get(received.frame(), 34);
                    int length = received.frame().length;
                    var before = lengths.put(flow, length);
                    assertThat(length).isGreaterThan(before == null ? 0 : before);
                    flows.merge(flow, before == null ? 1 : 0, Integer::sum);
                }
            }
            assertThat(flows).hasSize(20);
            assertThat(flows.values()).as("queues of a flow").containsOnly(1);

            third.post(1, 1600);
            first.send(Frames.frame(A, B, 60));
            third.send(Frames.frame(A, B, 61));
            wire.batch().clear();
            assertThat(many.receive(wire.batch())).isEqualTo(1);
            many.release(wire.batch());
            wire.batch().clear();
            assertThat(many.receive(wire.batch())).isEqualTo(1);
            many.release(wire.batch());
            assertThat(first.completed() + third.completed()).isEqualTo(2);
        }
    }

    @Test
    void aLinkIsUpWhileTheReceiveQueueRuns() {
        assertThat(a.state()).isEqualTo(PortState.DOWN);
        try (var driver = new NetDriver(a, 64, modern)) {
            assertThat(a.state()).isEqualTo(PortState.UP);
            driver.send(Frames.frame(B, A, 60));
            var drained = new int[1];
            a.stopQueue(1, () -> drained[0]++);
            a.stopQueue(1, () -> drained[0]++);
            assertThat(drained[0]).isEqualTo(2);
            assertThat(a.receive(wire.batch())).as("its queue does not run").isZero();
            a.stopQueue(0, () -> drained[0]++);
            assertThat(a.state()).isEqualTo(PortState.DOWN);
            assertThat(drained[0]).isEqualTo(3);
        }
    }

    @Test
    void armingSeesWhatIsThere() {
        try (var driver = new NetDriver(a, 64, modern)) {
            assertThat(a.arm()).isTrue();
            a.disarm();
            driver.send(Frames.frame(B, A, 60));
            assertThat(a.arm()).isFalse();
        }
    }

    /** The receiver's memory goes away in the middle of a pass. */
    @Test
    void aReceiverThatTruncatesItsMemoryCostsTheSenderNothing() {
        try (var from = new NetDriver(a, 256, modern)) {
            for (int round = 0; round < 20; round++) {
                var victim = device("victim", B, 1);
                try (var to = new NetDriver(victim, 64, modern | NetDriver.MRG_RXBUF)) {
                    to.post(60, 1600);
                    for (int i = 0; i < 40; i++) {
                        from.send(Frames.frame(B, A, 1500));
                    }
                    to.memory().truncate(round % 2 == 0 ? 0 : 32 * 1024);
                    assertThatThrownBy(() -> wire.carry(a, victim))
                            .isInstanceOf(InternalError.class);
                    a.release(wire.batch());
                    assertThat(from.completed()).isEqualTo(40);
                    a.release(wire.batch());
                    assertThat(from.completed()).as("once").isZero();
                    assertThat(a.receive(wire.batch())).isZero();
                    var receiveQueue = to.queues().getFirst();
                    receiveQueue.stop();
                    victim.stopQueue(0, () -> {});
                    victim.stopQueue(1, () -> {});
                    assertThat(receiveQueue.inFlight()).isZero();
                }
            }
        }
    }

    /** The sender's memory goes away: the receiver gets its buffers back. */
    @Test
    void aSenderThatTruncatesItsMemoryCostsTheReceiverNothing() {
        try (var to = new NetDriver(b, 64, modern | NetDriver.MRG_RXBUF)) {
            to.post(60, 1600);
            var thief = device("thief", A, 1);
            try (var from = new NetDriver(thief, 64, modern)) {
                for (int i = 0; i < 10; i++) {
                    from.send(Frames.frame(B, A, 1500));
                }
                var batch = wire.batch();
                assertThat(thief.receive(batch)).isEqualTo(10);
                from.memory().truncate(0);
                var index = new int[] {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
                assertThatThrownBy(() -> b.transmit(batch, index, 10))
                        .isInstanceOf(InternalError.class);
                b.flush();
                assertThat(to.queues().getFirst().inFlight()).isZero();
                assertThatThrownBy(() -> thief.release(batch)).isInstanceOf(InternalError.class);
                from.queues().forEach(Virtqueue::stop);
                thief.stopQueue(0, () -> {});
                thief.stopQueue(1, () -> {});
            }
            to.received();
            try (var from = new NetDriver(a, 64, modern)) {
                from.send(Frames.frame(B, A, 300));
                assertThat(wire.carry(a, b)).isEqualTo(1);
                assertThat(to.received().getFirst().frame()).isEqualTo(Frames.frame(B, A, 300));
            }
        }
    }
}
