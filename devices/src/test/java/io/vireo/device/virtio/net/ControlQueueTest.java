package io.vireo.device.virtio.net;

import static io.vireo.device.virtio.net.Flows.A;
import static io.vireo.device.virtio.net.Flows.B;
import static io.vireo.device.virtio.net.Flows.datagrams;
import static io.vireo.device.virtio.net.Flows.extended;
import static io.vireo.device.virtio.net.Flows.flow4;
import static io.vireo.device.virtio.net.Flows.flow6;
import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.net.FrameBatch;
import io.vireo.net.Offload;
import io.vireo.net.PortState;
import io.vireo.reactor.PollMode;
import io.vireo.reactor.Reactor;
import io.vireo.reactor.ReactorConfig;
import io.vireo.resource.MacAddress;
import io.vireo.testkit.Frames;
import io.vireo.testkit.NetDriver;
import io.vireo.virtqueue.Virtqueue;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.OptionalInt;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The whole card, control queue included, by a driver of its own (VIRTIO 1.3, 5.1.6.5). */
@Tag("endurance")
class ControlQueueTest {
    private static final long OTHER = 0x5254_0000_00FFL;
    private static final long GROUP = 0x0100_5E00_0001L;
    private static final int PAIRS = 4;
    private static final byte[] OK = {0};
    private static final byte[] ERR = {1};

    /** Key of the verification suite that {@link Flows#flow4} is of. */
    private static final byte[] KEY =
            HexFormat.of()
                    .parseHex(
                            "6d5a56da255b0ec24167253d43a38fb0d0ca2bcbae7b30b477cb2da38030f20c6a42b73bbeac01fa");

    private static Reactor reactor;

    private final VirtioNetDevice a = device("a", A, 1500, 1, OptionalInt.empty());
    private final VirtioNetDevice b = device("b", B, 9216, PAIRS, OptionalInt.of(25000));
    private final Wire wire = new Wire();
    private final List<NetDriver> drivers = new ArrayList<>();
    private final NetDriver from = open(a, Virtqueue.VERSION_1, 0);

    private static VirtioNetDevice device(
            String name, long mac, int mtu, int pairs, OptionalInt speed) {
        return new VirtioNetDevice(
                new VirtioNetConfig(name, new MacAddress(mac), mtu, pairs, reactor, speed));
    }

    @BeforeAll
    static void start() {
        reactor = Reactor.start(new ReactorConfig("test", -1, PollMode.INTERRUPT));
    }

    @AfterAll
    static void stop() {
        reactor.close();
    }

    @AfterEach
    void close() throws Exception {
        stopQueues();
        wire.close();
        drivers.forEach(NetDriver::close);
    }

    /** On the reactor, where timers may run. */
    private void stopQueues() throws Exception {
        onReactor(() -> {
            for (int index = 0; index <= 2 * PAIRS; index++) {
                b.stopQueue(index, () -> {});
            }
        });
    }

    private static void onReactor(Runnable task) throws Exception {
        CompletableFuture.runAsync(task, reactor::execute).get(20, TimeUnit.SECONDS);
    }

    private NetDriver open(VirtioNetDevice device, long features, int pair) {
        var driver = new NetDriver(device, 64, features, pair);
        drivers.add(driver);
        return driver;
    }

    /** A driver that took all that is offered but what is left out, with one pair and control. */
    private NetDriver whole(long leftOut) {
        long features =
                (b.features() | b.controlFeatures() | Virtqueue.VERSION_1)
                        & ~(leftOut | NetFeatures.HASH_REPORT);
        var driver = open(b, features, 0);
        boolean several = (features & (NetFeatures.MQ | NetFeatures.RSS)) != 0;
        driver.startControl(several ? 2 * PAIRS : 2, 16);
        return driver;
    }

    private static ByteBuffer data(int size) {
        return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static byte[] u16(int value) {
        return data(2).putShort((short) value).array();
    }

    private static byte[] mac(long address) {
        var octets = new byte[6];
        for (int i = 0; i < 6; i++) {
            octets[i] = (byte) (address >>> 8 * (5 - i));
        }
        return octets;
    }

    private static byte[] table(long unicast, long multicast) {
        return data(20).putInt(1).put(mac(unicast)).putInt(1).put(mac(multicast)).array();
    }

    /** Whether a frame reaches the guest. */
    private boolean arrives(NetDriver to, byte[] frame) {
        to.post(1, 2000);
        from.send(frame);
        wire.carry(a, b);
        return !to.received().isEmpty();
    }

    private boolean arrives(NetDriver to, long destination) {
        return arrives(to, Frames.frame(destination, A, 60));
    }

    @Test
    void onlyTheOtherFeaturesAreOfferedWithoutAControlQueue() {
        assertThat(b.features() & b.controlFeatures()).isZero();
        assertThat(b.controlFeatures()).isEqualTo(NetFeatures.CONTROLLED);
        assertThat(a.controlFeatures() & NetFeatures.RSS).isZero();
        assertThat(b.controlQueueCount()).isEqualTo(1);
        assertThat(b.queueCount()).isEqualTo(2 * PAIRS);
        var driver = open(b, b.features() | Virtqueue.VERSION_1, 0);
        assertThat(arrives(driver, OTHER)).isTrue();
    }

    @Test
    void configurationSpace() {
        var config = new byte[b.configSize()];
        b.readConfig(0, config, config.length);
        assertThat(HexFormat.of().formatHex(config))
                .isEqualTo(
                        "52540000000b"
                                + "0100"
                                + "0400"
                                + "0024"
                                + "a8610000"
                                + "01"
                                + "28"
                                + "8000"
                                + "3f000000");
        a.readConfig(0, config, config.length);
        assertThat(HexFormat.of().formatHex(config, 12, 17)).isEqualTo("ffffffffff");
    }

    @Test
    void receiveModes() {
        var driver = whole(0);
        assertThat(arrives(driver, OTHER)).as("promiscuous at first").isTrue();
        assertThat(driver.command(0, 0, new byte[] {0}, 1)).isEqualTo(OK);
        assertThat(arrives(driver, OTHER)).isFalse();
        assertThat(b.statistics().get(NetStatistics.RX_FILTERED)).isEqualTo(1);
        assertThat(arrives(driver, B)).isTrue();
        assertThat(arrives(driver, GROUP)).isFalse();
        assertThat(arrives(driver, Frames.BROADCAST)).isTrue();
        assertThat(driver.command(0, 1, new byte[] {1}, 1)).isEqualTo(OK);
        assertThat(arrives(driver, GROUP)).isTrue();
        assertThat(driver.command(0, 2, new byte[] {1}, 1)).isEqualTo(OK);
        assertThat(arrives(driver, OTHER)).isTrue();
        for (int mode = 3; mode <= 5; mode++) {
            assertThat(driver.command(0, mode, new byte[] {1}, 1)).isEqualTo(OK);
        }
        assertThat(arrives(driver, B)).isFalse();
        assertThat(arrives(driver, GROUP)).isFalse();
        assertThat(arrives(driver, Frames.BROADCAST)).isFalse();
        assertThat(driver.command(0, 6, new byte[] {1}, 1)).isEqualTo(ERR);
        assertThat(driver.command(0, 0, new byte[] {2}, 1)).isEqualTo(ERR);
    }

    @Test
    void tableOfAddresses() {
        var driver = whole(0);
        driver.command(0, 0, new byte[] {0}, 1);
        assertThat(driver.command(1, 0, table(OTHER, GROUP), 1)).isEqualTo(OK);
        assertThat(arrives(driver, OTHER)).isTrue();
        assertThat(arrives(driver, GROUP)).isTrue();
        assertThat(arrives(driver, GROUP + 1)).isFalse();
        assertThat(driver.command(1, 1, mac(0x5254_0000_0042L), 1)).isEqualTo(OK);
        assertThat(arrives(driver, 0x5254_0000_0042L)).isTrue();
        assertThat(arrives(driver, B)).isFalse();
        assertThat(driver.command(1, 1, mac(GROUP), 1)).isEqualTo(ERR);
        var tooLong = data(4).putInt(100_000).array();
        assertThat(driver.command(1, 0, tooLong, 1)).isEqualTo(ERR);
        assertThat(driver.command(1, 0, data(8).array(), 1)).isEqualTo(OK);
        assertThat(arrives(driver, OTHER)).isFalse();
    }

    @Test
    void vlanFilter() {
        var driver = whole(0);
        var plain = Frames.frame(B, A, 60);
        var tagged = Frames.tagged(plain, 0x6007);
        assertThat(arrives(driver, plain)).isTrue();
        assertThat(arrives(driver, Frames.tagged(plain, 0xE000))).as("only a priority").isTrue();
        assertThat(arrives(driver, tagged)).isFalse();
        assertThat(driver.command(2, 0, u16(7), 1)).isEqualTo(OK);
        assertThat(arrives(driver, tagged)).isTrue();
        driver.post(1, 2000);
        from.send(plain);
        wire.carry(a, b, FrameBatch.VLAN_PUSH, 8);
        assertThat(driver.received()).isEmpty();
        from.send(tagged);
        wire.carry(a, b, FrameBatch.VLAN_POP, 0);
        assertThat(driver.received()).hasSize(1);
        assertThat(driver.command(2, 1, u16(7), 1)).isEqualTo(OK);
        assertThat(arrives(driver, tagged)).isFalse();
        assertThat(driver.command(2, 0, u16(4096), 1)).isEqualTo(ERR);
    }

    @Test
    void queuePairsAreUsedAsSet() {
        var driver = whole(NetFeatures.RSS);
        long features = b.negotiatedFeatures();
        var others = List.of(open(b, features, 1), open(b, features, 2), open(b, features, 3));
        for (int pairs : new int[] {1, 2, PAIRS}) {
            assertThat(driver.command(4, 0, u16(pairs), 1)).isEqualTo(OK);
            for (int i = 0; i < 32; i++) {
                refill(driver);
                others.forEach(ControlQueueTest::refill);
                from.send(Frames.frame(0x5254_0001_0000L + 977L * i, A, 60));
                wire.carry(a, b);
                assertThat(from.completed()).isEqualTo(1);
            }
            int own = driver.received().size();
            var counts = others.stream().map(other -> other.received().size()).toList();
            assertThat(own + counts.stream().mapToInt(Integer::intValue).sum()).isEqualTo(32);
            for (int pair = 1; pair < PAIRS; pair++) {
                assertThat(counts.get(pair - 1) > 0).isEqualTo(pair < pairs);
            }
        }
        assertThat(driver.command(4, 0, u16(0), 1)).isEqualTo(ERR);
        assertThat(driver.command(4, 0, u16(PAIRS + 1), 1)).isEqualTo(ERR);
    }

    private static void refill(NetDriver driver) {
        while (driver.posted() < 32) {
            driver.post(1, 2000);
        }
    }

    private static byte[] rss(int types, int[] table, int unclassified, byte[] key) {
        var data = data(8 + 2 * table.length + 3 + key.length);
        data.putInt(types).putShort((short) (table.length - 1)).putShort((short) unclassified);
        for (int pair : table) {
            data.putShort((short) pair);
        }
        return data.putShort((short) PAIRS).put((byte) key.length).put(key).array();
    }

    @Test
    void receiveSideScaling() {
        var driver = whole(0);
        long features = b.negotiatedFeatures();
        var second = open(b, features, 1);
        var last = open(b, features, PAIRS - 1);
        // TCP's hash 0x51ccc178 ends in binary 00, that of the addresses alone, 0x323e8fc2, in 10.
        var table = new int[] {1, 0, PAIRS - 1, 0};
        assertThat(driver.command(4, 1, rss(0x3, table, 0, KEY), 1)).isEqualTo(OK);
        driver.post(1, 2000);
        second.post(1, 2000);
        last.post(1, 2000);
        from.send(flow4(6));
        from.send(flow4(17));
        from.send(Frames.frame(B, A, 60));
        assertThat(wire.carry(a, b)).isEqualTo(3);
        assertThat(second.received().getFirst().frame()).isEqualTo(flow4(6));
        assertThat(last.received().getFirst().frame()).isEqualTo(flow4(17));
        assertThat(driver.received().getFirst().frame()).isEqualTo(Frames.frame(B, A, 60));
        var key = new byte[41];
        for (var wrong :
                List.of(
                        rss(0x40, table, 0, KEY),
                        rss(1, table, PAIRS, KEY),
                        rss(1, new int[] {1, 2, 3}, 0, KEY),
                        rss(1, new int[] {PAIRS}, 0, KEY),
                        rss(1, new int[] {0x8000}, 0, KEY),
                        rss(1, new int[256], 0, KEY),
                        rss(1, table, 0, key))) {
            assertThat(driver.command(4, 1, wrong, 1)).isEqualTo(ERR);
        }
    }

    @Test
    void hashIsReported() {
        long features =
                Virtqueue.VERSION_1
                        | NetFeatures.CTRL_VQ
                        | NetFeatures.HASH_REPORT
                        | NetFeatures.MRG_RXBUF;
        var driver = open(b, features, 0);
        driver.startControl(2, 16);
        driver.post(8, 60);
        from.send(flow4(6));
        wire.carry(a, b);
        assertThat(reported(driver)).isEqualTo("0000000000000000");
        var config = data(13 + KEY.length).putInt(0x1B).putLong(0).put((byte) KEY.length);
        assertThat(driver.command(4, 2, config.put(KEY).array(), 1)).isEqualTo(OK);
        var expected =
                List.of(
                        "78c1cc5102000000",
                        "c28f3e3201000000",
                        "3d7d204005000000",
                        "d58cc12c04000000",
                        "0000000000000000",
                        "3d7d204005000000",
                        "d58cc12c04000000",
                        "d58cc12c04000000",
                        "d58cc12c04000000");
        var frames =
                List.of(
                        flow4(6),
                        flow4(1),
                        flow6(6),
                        flow6(58),
                        Frames.frame(B, A, 60),
                        // Behind hop-by-hop and destination options, or farther than is looked.
                        extended(extended(flow6(6), 60, 2), 0, 1),
                        extended(extended(flow6(6), 60, 2), 0, 12),
                        extended(flow6(6), 44, 1),
                        Arrays.copyOf(extended(flow6(6), 0, 1), 62));
        for (int i = 0; i < frames.size(); i++) {
            driver.post(8, 60);
            from.send(frames.get(i));
            wire.carry(a, b);
            assertThat(reported(driver)).as("frame " + i).isEqualTo(expected.get(i));
        }
        driver.send(flow4(6));
        from.post(1, 2000);
        assertThat(wire.carry(b, a)).isEqualTo(1);
        assertThat(from.received().getFirst().frame()).isEqualTo(flow4(6));
    }

    /** Hash value, report and padding of the header of the only frame that came. */
    private static String reported(NetDriver driver) {
        var got = driver.received();
        assertThat(got).hasSize(1);
        return HexFormat.of().formatHex(got.getFirst().header(), 12, 20);
    }

    @Test
    void offloadsAreTurnedOffAndOn() {
        var driver = whole(0);
        long all = b.negotiatedFeatures() & NetFeatures.SWITCHED;
        long large = Offload.of(1, Offload.GSO_TCPV4, 54, 1000, 34);
        long sender = Virtqueue.VERSION_1 | NetFeatures.CSUM | NetFeatures.HOST_TSO4;
        var source = open(a, sender, 0);
        for (boolean on : new boolean[] {true, false, true}) {
            var data = data(8).putLong(on ? all : 0).array();
            assertThat(driver.command(5, 0, data, 1)).isEqualTo(OK);
            driver.post(16, 4000);
            source.send(Frames.tcp4(B, A, 0x10, 3000), large, 16);
            wire.carry(a, b);
            assertThat(driver.received()).hasSize(on ? 1 : 3);
        }
        var unknown = data(8).putLong(1L << 10).array();
        assertThat(driver.command(5, 0, unknown, 1)).isEqualTo(ERR);
    }

    /** A train of datagrams goes as it is to who takes it, and is cut for who does not. */
    @Test
    void trainsOfDatagramsAreCut() {
        var driver = whole(0);
        long all = b.negotiatedFeatures() & NetFeatures.SWITCHED;
        var source = open(a, Virtqueue.VERSION_1 | NetFeatures.CSUM | NetFeatures.HOST_USO, 0);
        for (int ip : new int[] {4, 6}) {
            var train = datagrams(ip, 2500);
            int start = ip == 4 ? 34 : 54;
            long offload = Offload.of(1, Offload.GSO_UDP_L4, start + 8, 1000, start);
            driver.command(5, 0, data(8).putLong(all).array(), 1);
            driver.post(16, 4000);
            source.send(train, offload, 6);
            wire.carry(a, b);
            assertThat(driver.received()).hasSize(1);
            driver.command(5, 0, data(8).array(), 1);
            source.send(train, offload, 6);
            wire.carry(a, b);
            var got = driver.received();
            assertThat(got).hasSize(3);
            for (int i = 0; i < 3; i++) {
                int payload = i < 2 ? 1000 : 500;
                var datagram = got.get(i).frame();
                assertThat(datagram).hasSize(start + 8 + payload);
                assertThat(Frames.get(datagram, start + 4)).isEqualTo(8 + payload);
                int pseudo =
                        17
                                + 8
                                + payload
                                + Frames.sum(datagram, ip == 4 ? 26 : 22, ip == 4 ? 8 : 32);
                assertThat(Frames.checksum(datagram, start, 8 + payload, pseudo)).isZero();
                assertThat(datagram[start + 8]).isEqualTo((byte) (1000 * i >> 4));
            }
            // More datagrams than anybody sends at once, and a header that says something else.
            long tiny = Offload.of(1, Offload.GSO_UDP_L4, start + 8, 19, start);
            source.send(train, tiny, 6);
            long tcp = Offload.of(1, Offload.GSO_TCPV4, start + 8, 1000, start);
            source.send(train, tcp, 6);
            wire.carry(a, b);
            assertThat(driver.received()).isEmpty();
        }
    }

    @Test
    void guestIsAskedToAnnounceItself() {
        var changes = new AtomicInteger();
        b.onConfigChange(changes::incrementAndGet);
        var driver = whole(0);
        assertThat(driver.command(3, 0, new byte[0], 1)).isEqualTo(ERR);
        assertThat(b.announce(new MacAddress(B))).isTrue();
        assertThat(changes).hasValue(1);
        assertThat(status()).isEqualTo(3);
        assertThat(wire.carry(b, a)).as("no frame of the card's own").isZero();
        assertThat(driver.command(3, 0, new byte[0], 1)).isEqualTo(OK);
        assertThat(status()).isEqualTo(1);
    }

    private int status() {
        var status = new byte[2];
        b.readConfig(6, status, 2);
        return status[0];
    }

    @Test
    void cableIsPulledAndPluggedIn() throws Exception {
        var changes = new AtomicInteger();
        b.onConfigChange(changes::incrementAndGet);
        var driver = whole(0);
        assertThat(b.state()).isEqualTo(PortState.UP);
        link(false);
        assertThat(b.state()).isEqualTo(PortState.DOWN);
        assertThat(status()).isZero();
        driver.send(Frames.frame(A, B, 60));
        driver.queues().get(1).kick();
        assertThat(driver.completed()).isEqualTo(1);
        assertThat(wire.carry(b, a)).isZero();
        link(true);
        assertThat(b.state()).isEqualTo(PortState.UP);
        assertThat(changes).hasValue(2);
        from.post(1, 2000);
        driver.send(Frames.frame(A, B, 60));
        assertThat(wire.carry(b, a)).isEqualTo(1);
    }

    private void link(boolean plugged) throws Exception {
        b.link(plugged);
        onReactor(() -> {});
    }

    private static byte[] coalesce(int packets, int micros) {
        return data(8).putInt(packets).putInt(micros).array();
    }

    @Test
    void notificationsAreCoalesced() throws Exception {
        var driver = whole(0);
        onReactor(() -> coalesceByNumber(driver));
        onReactor(() -> {
            driver.command(6, 1, coalesce(30, 1000), 1);
            from.send(Frames.frame(B, A, 60));
            wire.carry(a, b);
            assertThat(driver.received()).isEmpty();
        });
        var got = new AtomicInteger();
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        while (got.get() == 0) {
            assertThat(System.nanoTime()).isLessThan(deadline);
            onReactor(() -> got.set(driver.received().size()));
        }
    }

    private void coalesceByNumber(NetDriver driver) {
        driver.post(32, 2000);
        int minute = 60_000_000;
        assertThat(driver.command(6, 1, coalesce(4, minute), 1)).isEqualTo(OK);
        int before = driver.notified();
        for (int i = 1; i <= 8; i++) {
            from.send(Frames.frame(B, A, 60));
            wire.carry(a, b);
            assertThat(driver.notified() - before).isEqualTo(i / 4);
        }
        assertThat(driver.received()).hasSize(8);
        var one = data(12).putInt(0).putInt(2).putInt(minute).array();
        assertThat(driver.command(6, 2, one, 1)).isEqualTo(OK);
        assertThat(driver.command(6, 3, data(4).array(), 9))
                .isEqualTo(data(9).put((byte) 0).putInt(2).putInt(minute).array());
        assertThat(driver.command(6, 3, data(4).array(), 8)).isEqualTo(ERR);
        assertThat(driver.command(6, 3, data(4).putShort((short) 1).array(), 9))
                .isEqualTo(new byte[9]);
        assertThat(driver.command(6, 2, data(12).putShort((short) 2).array(), 1)).isEqualTo(ERR);
        assertThat(driver.command(6, 2, data(12).putShort((short) 8).array(), 1)).isEqualTo(ERR);
        // What waits is told of when coalescing ends.
        from.send(Frames.frame(B, A, 60));
        wire.carry(a, b);
        assertThat(driver.received()).isEmpty();
        assertThat(driver.command(6, 1, coalesce(0, 0), 1)).isEqualTo(OK);
        assertThat(driver.received()).hasSize(1);
    }

    @Test
    void commandsOfFeaturesThatWereNotTakenAreRefused() {
        var driver = open(b, Virtqueue.VERSION_1 | NetFeatures.CTRL_VQ, 0);
        driver.startControl(2, 16);
        var commands =
                List.of(
                        new byte[] {0, 0, 1},
                        new byte[] {1, 0, 0, 0, 0, 0, 0, 0, 0, 0},
                        new byte[] {1, 1, 0x52, 0x54, 0, 0, 0, 1},
                        new byte[] {2, 0, 1, 0},
                        new byte[] {3, 0},
                        new byte[] {4, 0, 1, 0},
                        new byte[] {5, 0, 0, 0, 0, 0, 0, 0, 0, 0},
                        new byte[] {6, 0, 0, 0, 0, 0, 0, 0, 0, 0},
                        new byte[] {7, 0});
        for (var command : commands) {
            assertThat(driver.control(command, 1)).isEqualTo(ERR);
        }
        assertThat(b.statistics().get(NetStatistics.CONTROL_REFUSED)).isEqualTo(commands.size());
        assertThat(arrives(driver, OTHER)).isTrue();
        assertThat(driver.failures()).isEmpty();
    }

    @Test
    void nonsenseIsAnsweredAndBreaksNothing() throws Exception {
        long seed = Long.getLong("vireo.seed", System.nanoTime());
        System.out.println("ControlQueueTest -Dvireo.seed=" + seed);
        var random = new Random(seed);
        var driver = whole(0);
        for (int i = 0; i < 3000; i++) {
            var bytes = new byte[1 + random.nextInt(40)];
            random.nextBytes(bytes);
            bytes[0] = (byte) random.nextInt(8);
            if (bytes.length > 1) {
                bytes[1] = (byte) random.nextInt(7);
            }
            int room = random.nextInt(12);
            var answer = driver.control(bytes, room);
            if (room == 0) {
                assertThat(answer).isEmpty();
            } else {
                assertThat(answer[0]).isBetween((byte) 0, (byte) 1);
            }
        }
        assertThat(driver.failures()).isEmpty();
        stopQueues();
        b.reset(() -> {});
        var fresh = whole(0);
        assertThat(arrives(fresh, OTHER)).as("nothing is left after a reset").isTrue();
    }
}
