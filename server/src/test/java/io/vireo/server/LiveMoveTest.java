package io.vireo.server;

import static java.util.stream.Collectors.counting;
import static java.util.stream.Collectors.groupingBy;
import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.device.virtio.net.VnicKind;
import io.vireo.fabric.l2.L2Switch;
import io.vireo.net.Announcement;
import io.vireo.net.PortSpec;
import io.vireo.net.QosPolicy;
import io.vireo.net.QosSettings;
import io.vireo.reactor.PollMode;
import io.vireo.resource.LiveStream;
import io.vireo.resource.MacAddress;
import io.vireo.resource.Metadata;
import io.vireo.resource.Realization;
import io.vireo.resource.UpdateResult;
import io.vireo.resource.VlanSet;
import io.vireo.resource.spec.AdminState;
import io.vireo.resource.spec.VnicSpec;
import io.vireo.testkit.DriverMemory;
import io.vireo.testkit.FakeContext;
import io.vireo.testkit.VhostUserSession;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A card goes back and forth between two networks on two reactors while its driver sends and
 * receives: both networks together hear each frame once and in order, and the driver's rings stay
 * right. And a card of sixteen pairs of queues.
 */
@Timeout(120)
class LiveMoveTest {
    private static final int MOVES = 40;
    private static final int RING = 64;

    /** More frames than are sent before the moves, however late the capture begins. */
    private static final int CAPTURED = 200 * RING;

    private static final int PAIRS = 16;
    private static final int FLOWS = 256;
    private static final MacAddress MAC = MacAddress.parse("56:49:00:00:00:41");
    private static final Metadata METADATA = Metadata.of("web1.eth0", "1");

    private final NetBed bed;
    private final FakeContext context;
    private final L2Switch left;
    private final L2Switch right;
    private final SequencePeer.Counts counts = new SequencePeer.Counts();
    private final QosPolicy gold =
            new QosPolicy(
                    "gold",
                    new QosSettings(
                            Optional.of(
                                    new QosSettings.Rates(
                                            10_000_000_000L, 10_000_000_000L, 1 << 20, true)),
                            Optional.empty(),
                            QosSettings.SHARES,
                            0,
                            0,
                            QosSettings.Marking.NONE));
    private final DriverMemory memory = new DriverMemory(16 << 20);
    private final VnicKind kind = new VnicKind();

    LiveMoveTest(@TempDir Path directory) {
        bed = new NetBed(directory, 2, PollMode.ADAPTIVE);
        left = bed.network("left", 0, VlanSet.NONE);
        right = bed.network("right", 1, VlanSet.of(List.of(8, 9)));
        context = bed.context.with(QosPolicy.class, gold);
    }

    @AfterEach
    void close() {
        bed.close();
        memory.close();
    }

    private VnicSpec spec(String network, OptionalInt vlan, int pairs) {
        return bed.card(MAC, network, vlan, pairs, Optional.empty(), AdminState.UP);
    }

    private VnicSpec in(String network) {
        return spec(network, OptionalInt.empty(), 1);
    }

    private void attachPeers() {
        left.attach(new SequencePeer("left-peer", MAC.bits(), counts), PortSpec.access(0));
        right.attach(new SequencePeer("right-peer", MAC.bits(), counts), PortSpec.access(0));
    }

    private VhostUserSession connect(long features) {
        return VhostUserSession.open(bed.socket(), memory, features);
    }

    private void moveBackAndForth(Realization vnic) {
        var from = in("left");
        for (int i = 0; i < MOVES; i++) {
            var to = in(i % 2 == 0 ? "right" : "left");
            assertThat(kind.update(vnic, METADATA, from, to, context))
                    .isEqualTo(UpdateResult.IN_PLACE);
            from = to;
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(i % 4));
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {~VhostUserSession.RING_PACKED, ~0L, VhostUserSession.VERSION_1})
    void noFrameOfTheCardIsLostOrDoubledByItsMoves(long features) throws Exception {
        attachPeers();
        var vnic = kind.realize(METADATA, in("left"), context);
        long wanted = features | VhostUserSession.PROTOCOL_FEATURES;
        try (var session = connect(wanted)) {
            session.trackInflight(2, RING).close();
            var driver = new SequenceDriver(session, 0, RING, MAC.bits());
            var moves = CompletableFuture.runAsync(() -> moveBackAndForth(vnic));
            while (!moves.isDone()) {
                counts.allowed.set(RING);
                driver.pump(RING);
                if (driver.sent() % 1000 > 900) {
                    // Now and then the card goes to sleep and has to be woken.
                    LockSupport.parkNanos(100_000);
                }
            }
            moves.join();
            counts.allowed.set(0);
            await(
                    () ->
                            driver.idle()
                                    && counts.heard.size() >= driver.sent()
                                    && NetBed.metric(vnic, "rx_frames_total") == driver.received(),
                    driver);
            assertThat(counts.heard)
                    .containsExactlyElementsOf(IntStream.range(0, driver.sent()).boxed().toList());
            assertThat(driver.sent()).isGreaterThan(RING);
            assertThat(driver.received()).isPositive();
            // Itself, after each move, but where the next one came before; and again a second and
            // two later, where none came meanwhile, as after the last one.
            assertThat(counts.announced.get()).isBetween(MOVES / 2, MOVES * Announcement.ROUNDS);
            assertThat(NetBed.metric(vnic, "tx_frames_total")).isEqualTo(driver.sent());
            assertThat(NetBed.metric(vnic, "vhost_sessions_total")).isEqualTo(1);
        }
        context.close(vnic);
    }

    /** A capture that began in the first network, and the bytes that its rate has counted. */
    @Test
    void captureAndCountersOfItsRateGoOn() throws Exception {
        attachPeers();
        var vnic = kind.realize(METADATA, in("left").withQosPolicy(Optional.of("gold")), context);
        var file = new ByteArrayOutputStream();
        var parameters = Map.of("count", Integer.toString(CAPTURED), "direction", "out");
        var stream = vnic.stream(kind.streams().getFirst(), parameters);
        var capture = CompletableFuture.runAsync(() -> write(stream, file));
        try (var session = connect(~0L)) {
            var driver = new SequenceDriver(session, 0, RING, MAC.bits());
            await(
                    () -> {
                        // Until the capture has begun there is nothing in its file.
                        driver.pump(1);
                        return packets(file) > 0;
                    },
                    driver);
            await(driver::idle, driver);
            var from = in("left");
            for (var to : List.of(in("right"), in("left"), in("right"))) {
                kind.update(
                        vnic,
                        METADATA,
                        from.withQosPolicy(Optional.of("gold")),
                        to.withQosPolicy(Optional.of("gold")),
                        context);
                from = to;
            }
            long before = driver.sent();
            while (!capture.isDone()) {
                driver.pump(RING);
                LockSupport.parkNanos(100_000);
            }
            capture.join();
            await(driver::idle, driver);
            assertThat(driver.sent()).isGreaterThan((int) before);
            assertThat(packets(file)).isEqualTo(CAPTURED);
            // What a frame of 60 bytes is on the wire; announcements after the moves go by its rate
            // too.
            assertThat(NetBed.metric(vnic, "qos_tx_bytes_total"))
                    .isBetween(
                            64L * driver.sent(), 64L * (driver.sent() + 3L * Announcement.ROUNDS));
        }
        context.close(vnic);
    }

    private static void write(LiveStream stream, OutputStream file) {
        try {
            stream.writeTo(file);
        } catch (IOException | InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Enhanced packet blocks of a pcapng file, as far as it is written. */
    private static int packets(ByteArrayOutputStream file) {
        var blocks = ByteBuffer.wrap(file.toByteArray()).order(ByteOrder.nativeOrder());
        int packets = 0;
        int at = 0;
        while (at + 8 <= blocks.limit()) {
            packets += blocks.getInt(at) == 6 ? 1 : 0;
            at += blocks.getInt(at + 4);
        }
        return packets;
    }

    private static void await(BooleanSupplier condition, SequenceDriver... drivers) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime()).isLessThan(deadline);
            for (var driver : drivers) {
                driver.pump(0);
            }
            LockSupport.parkNanos(10_000);
        }
    }

    @Test
    void aNetworkThatRefusesLeavesTheCardWhereItWas() throws Exception {
        attachPeers();
        var vnic = kind.realize(METADATA, in("left"), context);
        try (var session = connect(~0L)) {
            var driver = new SequenceDriver(session, 0, RING, MAC.bits());
            var refused = spec("right", OptionalInt.of(7), 1);
            assertThat(kind.update(vnic, METADATA, in("left"), refused, context))
                    .isInstanceOfSatisfying(
                            UpdateResult.Refused.class,
                            answer -> assertThat(answer.reason()).contains("VLAN 7"));
            driver.pump(RING);
            await(() -> counts.heard.size() == RING, driver);
            assertThat(left.portCount()).isEqualTo(2);
            assertThat(right.portCount()).isEqualTo(1);
        }
        context.close(vnic);
    }

    /** The session ends, and another begins, while the card is on its way. */
    @Test
    void frontEndsComeAndGoDuringMoves() throws Exception {
        attachPeers();
        var vnic = kind.realize(METADATA, in("left"), context);
        var moves = CompletableFuture.runAsync(() -> moveBackAndForth(vnic));
        int sent = 0;
        while (!moves.isDone() || sent == 0) {
            try (var own = new DriverMemory(4 << 20);
                    var session = VhostUserSession.open(bed.socket(), own)) {
                counts.heard.clear();
                var driver = new SequenceDriver(session, 0, RING, MAC.bits());
                driver.pump(RING);
                await(() -> counts.heard.size() >= RING, driver);
                sent += driver.sent();
            }
        }
        moves.join();
        context.close(vnic);
        assertThat(left.portCount()).isEqualTo(1);
        assertThat(right.portCount()).isEqualTo(1);
    }

    @Test
    void sixteenPairsOfQueues() throws Exception {
        left.attach(new SequencePeer("peer", MAC.bits(), counts), PortSpec.access(0));
        var vnic = kind.realize(METADATA, spec("left", OptionalInt.empty(), PAIRS), context);
        try (var session = connect(~0L)) {
            var drivers =
                    IntStream.range(0, PAIRS)
                            .mapToObj(pair -> new SequenceDriver(session, pair, RING, MAC.bits()))
                            .toArray(SequenceDriver[]::new);
            for (var driver : drivers) {
                driver.pump(RING);
            }
            await(() -> Stream.of(drivers).allMatch(SequenceDriver::idle), drivers);
            assertThat(counts.heard).hasSize(PAIRS * RING);
            var times = counts.heard.stream().collect(groupingBy(number -> number, counting()));
            assertThat(times)
                    .hasSize(RING)
                    .allSatisfy((_, each) -> assertThat(each).isEqualTo(PAIRS));

            counts.flows = FLOWS;
            counts.allowed.set(2 * FLOWS);
            await(
                    () -> Stream.of(drivers).mapToInt(SequenceDriver::received).sum() == 2 * FLOWS,
                    drivers);
            assertThat(drivers).allMatch(driver -> driver.received() > 0);
            assertThat(NetBed.metric(vnic, "tx_frames_total")).isEqualTo(PAIRS * RING);
        }
        context.close(vnic);
    }
}
