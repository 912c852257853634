package io.vireo.fabric.l2;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.sun.management.ThreadMXBean;
import io.vireo.net.DropReason;
import io.vireo.net.FrameBatch;
import io.vireo.net.Offload;
import io.vireo.net.PortSpec;
import io.vireo.net.QosPolicy;
import io.vireo.net.QosSettings;
import io.vireo.net.QosSettings.Rates;
import io.vireo.net.UplinkSpeed;
import io.vireo.resource.VlanSet;
import io.vireo.testkit.FramePort;
import io.vireo.testkit.Frames;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Policies at the ports of a bridge, in simulated time. */
class SwitchQosTest {
    private static final long SEED = 20_261_122;
    private static final long SECOND = 1_000_000_000L;
    private static final long MEGABIT = 1_000_000L;
    private static final long SINK = 0x5254_0000_00FFL;
    private static final int FRAME = 1514;
    private static final int WIRE = FRAME + 4;

    private final Random random = new Random(SEED);
    private final Bridge bridge = new Bridge(1500, VlanSet.NONE, 1000, 300);
    private final List<Guest> guests = new ArrayList<>();
    private final int[] everyFrame = new int[FrameBatch.CAPACITY];
    private long now = 5 * SECOND;
    private final SwitchQos qos = new SwitchQos(Runnable::run, () -> now);
    private final FramePort sink = new FramePort("up", 1500);
    private final BridgePort uplink = bridge.add(sink, PortSpec.transparent(true));

    /** A server that always has frames for the sink. */
    private final class Guest {
        final FramePort port;
        final BridgePort bridgePort;
        final byte[] frame;
        final long offload;
        long arrived;
        int woken;

        Guest(int number, int length, long offload) {
            port = new FramePort("guest" + number, 1500);
            bridgePort = bridge.add(port, PortSpec.access(0));
            frame = Frames.frame(SINK, 0x5254_0000_0000L + number, length);
            this.offload = offload;
            qos.add(bridgePort, Optional.empty(), () -> woken++);
            guests.add(this);
        }

        /** Returns bytes that were taken. */
        int poll() {
            for (long ahead = taken() + 64; arrived < ahead; arrived++) {
                port.arrive(frame, offload);
            }
            bridge.time(now);
            var rates = bridgePort.qos;
            return rates == null ? bridge.pass(bridgePort) : rates.pass(bridge, now);
        }

        long taken() {
            return bridgePort.counters().receivedFrames();
        }
    }

    private Guest guest() {
        return new Guest(guests.size() + 1, FRAME, 0);
    }

    private static QosPolicy policy(
            String name, Optional<Rates> transmit, Optional<Rates> receive, int shares) {
        return new QosPolicy(
                name, new QosSettings(transmit, receive, shares, 0, 0, QosSettings.Marking.NONE));
    }

    private static QosPolicy reserving(String name, long megabits) {
        return new QosPolicy(
                name,
                new QosSettings(
                        Optional.empty(),
                        Optional.empty(),
                        100,
                        megabits * MEGABIT,
                        0,
                        QosSettings.Marking.NONE));
    }

    private static Optional<Rates> rates(long megabits, boolean shape) {
        long burst = Math.max(256 << 10, megabits * MEGABIT / 8 / 200);
        return Optional.of(new Rates(megabits * MEGABIT / 2, megabits * MEGABIT, burst, shape));
    }

    /** Runs all guests; returns the wire bytes of whole frames that the sink got. */
    private long run(long nanos) {
        long end = now + nanos;
        long bytes = 0;
        while (now < end) {
            guests.forEach(Guest::poll);
            bytes += sink.sent().stream().mapToLong(frame -> frame.length + 4).sum();
            now += random.nextInt(500) == 0 ? random.nextInt(1_000_000) : 5_000;
        }
        return bytes;
    }

    private static double rate(long bytes, long nanos) {
        return bytes * 8.0 * SECOND / nanos;
    }

    @AfterEach
    void close() {
        qos.close();
        bridge.close();
    }

    @Test
    void aPortWithoutPolicyPaysNothing() {
        var guest = guest();
        assertThat(guest.bridgePort.qos).isNull();
        assertThat(guest.bridgePort.ingress).isSameAs(PortStage.NONE);
        assertThat(uplink.egress).isSameAs(PortStage.NONE);
        assertThat(guest.poll()).isEqualTo(64);
    }

    @Test
    void whatAServerSendsWaitsInItsRing() {
        var guest = guest();
        qos.change(
                guest.bridgePort, Optional.of(policy("p", rates(10, true), Optional.empty(), 1)));
        run(SECOND);
        long before = guest.taken();
        assertThat(rate(run(4 * SECOND), 4 * SECOND) / MEGABIT)
                .as("seed %d", SEED)
                .isCloseTo(10, within(0.2));
        assertThat((guest.taken() - before) * WIRE * 2.0 / MEGABIT).isCloseTo(10, within(0.2));
        assertThat(guest.bridgePort.counters().receivedDropped(DropReason.RATE)).isZero();
        assertThat(guest.port.borrowed()).isZero();
        var counters = guest.bridgePort.qosCounters();
        assertThat(counters.transmit().conformed() + counters.transmit().exceeded())
                .isEqualTo(guest.taken() * WIRE);
        assertThat((double) counters.transmit().exceeded() / counters.transmit().conformed())
                .isCloseTo(1, within(0.15));
        assertThat(counters.pauses()).isGreaterThan(100);
        assertThat(counters.pausedNanos()).isBetween(3 * SECOND, 5 * SECOND);
    }

    /** At the switch's door, with everything that a pass does. */
    @ParameterizedTest
    @CsvSource({"10, 5000", "1000, 200", "10000, 50"})
    void aRateIsKeptWithin2Percent(int megabits, long millis) {
        var guest = guest();
        qos.change(
                guest.bridgePort,
                Optional.of(policy("p", rates(megabits, true), Optional.empty(), 1)));
        run(SECOND / 4);
        long nanos = millis * SECOND / 1000;
        assertThat(rate(run(nanos), nanos) / MEGABIT / megabits)
                .as("seed %d", SEED)
                .isCloseTo(1, within(0.02));
        assertThat(guest.bridgePort.counters().receivedDropped(DropReason.RATE)).isZero();
    }

    @Test
    void segmentsCountAsTheFramesThatTheyBecome() {
        long offload = Offload.of(Offload.NEEDS_CHECKSUM, Offload.GSO_TCPV4, 54, 1448, 34);
        var guest = new Guest(1, 54 + 45 * 1448, offload);
        qos.change(
                guest.bridgePort, Optional.of(policy("p", rates(1000, true), Optional.empty(), 1)));
        run(SECOND / 10);
        long before = guest.taken();
        run(SECOND);
        double wire = (guest.taken() - before) * 45.0 * (1448 + 54 + 4);
        assertThat(wire * 8 / 1000 / MEGABIT).as("seed %d", SEED).isCloseTo(1, within(0.02));
    }

    @Test
    void whatAServerSendsIsDroppedIfItsPolicySaysSo() {
        var guest = guest();
        qos.change(
                guest.bridgePort, Optional.of(policy("p", rates(100, false), Optional.empty(), 1)));
        run(SECOND / 2);
        long before = guest.bridgePort.counters().receivedDropped(DropReason.RATE);
        assertThat(rate(run(SECOND), SECOND) / MEGABIT)
                .as("seed %d", SEED)
                .isCloseTo(100, within(2.0));
        long dropped = guest.bridgePort.counters().receivedDropped(DropReason.RATE);
        assertThat(dropped).isGreaterThan(before);
        assertThat(guest.bridgePort.qosCounters().transmit().dropped()).isEqualTo(dropped * WIRE);
        assertThat(guest.bridgePort.qosCounters().pauses()).isZero();
    }

    @Test
    void whatAServerGetsIsDroppedBeyondItsRate() {
        var guest = guest();
        var other = new FramePort("other", 1500);
        var port = bridge.add(other, PortSpec.access(0));
        qos.add(port, Optional.empty(), () -> {});
        qos.change(port, Optional.of(policy("p", Optional.empty(), rates(50, false), 1)));
        other.arrive(Frames.frame(Frames.BROADCAST, SINK, 60));
        bridge.pass(port);
        long bytes = 0;
        long end = now + SECOND / 2;
        for (boolean measuring = false; now < end; now += 20_000) {
            guest.poll();
            long got = other.sent().stream().mapToLong(frame -> frame.length + 4).sum();
            boolean began = port.counters().transmittedDropped(DropReason.RATE) > 0;
            if (measuring) {
                bytes += got;
            } else if (began) {
                measuring = true;
                end = now + SECOND;
            }
        }
        assertThat(rate(bytes, SECOND) / MEGABIT).isCloseTo(50, within(1.0));
        assertThat(port.qosCounters().receive().dropped())
                .isEqualTo(port.counters().transmittedDropped(DropReason.RATE) * WIRE);
    }

    @Test
    void sharesOfACongestedUplink() {
        qos.uplink(uplink, new UplinkSpeed(200 * MEGABIT), qos.fallback());
        for (int shares : new int[] {100, 200, 400}) {
            qos.change(
                    guest().bridgePort,
                    Optional.of(policy("p" + shares, Optional.empty(), Optional.empty(), shares)));
        }
        run(SECOND / 2);
        long[] before = guests.stream().mapToLong(Guest::taken).toArray();
        long bytes = run(2 * SECOND);
        double one = guests.get(0).taken() - before[0];
        assertThat((guests.get(1).taken() - before[1]) / one)
                .as("seed %d", SEED)
                .isCloseTo(2, within(0.1));
        assertThat((guests.get(2).taken() - before[2]) / one).isCloseTo(4, within(0.2));
        assertThat(rate(bytes, 2 * SECOND) / MEGABIT)
                .isCloseTo(200.0 * WIRE / (WIRE + 20), within(4.0));
        assertThat(uplink.counters().transmittedDropped(DropReason.NO_BUFFER)).isZero();
        assertThat(guests.get(2).bridgePort.qosCounters().uplinkBytes())
                .isEqualTo(guests.get(2).taken() * WIRE);
    }

    @Test
    void aLimitHoldsOnAnUplinkThatDoesNotSayItsSpeed() {
        qos.uplink(uplink, new UplinkSpeed(0), qos.fallback());
        var guest = guest();
        var limited =
                new QosSettings(
                        Optional.empty(),
                        Optional.empty(),
                        100,
                        0,
                        20 * MEGABIT,
                        QosSettings.Marking.NONE);
        qos.change(guest.bridgePort, Optional.of(new QosPolicy("p", limited)));
        run(SECOND);
        assertThat(rate(run(2 * SECOND), 2 * SECOND) / MEGABIT).isCloseTo(20, within(0.4));
        qos.change(guest.bridgePort, Optional.empty());
        assertThat(uplink.egress).isSameAs(PortStage.NONE);
        assertThat(guest.bridgePort.qos).isNull();
    }

    @Test
    void noByteIsAllocatedPerFrame() throws InterruptedException {
        qos.uplink(uplink, new UplinkSpeed(1000 * MEGABIT), qos.fallback());
        var shaped = guest();
        var policed = guest();
        qos.change(
                shaped.bridgePort,
                Optional.of(
                        new QosPolicy(
                                "a",
                                new QosSettings(
                                        rates(500, true),
                                        rates(500, false),
                                        1,
                                        MEGABIT,
                                        MEGABIT,
                                        QosSettings.Marking.NONE))));
        qos.change(
                policed.bridgePort,
                Optional.of(policy("b", rates(500, false), Optional.empty(), 1)));
        var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        var pass = new Pass();
        long least = Long.MAX_VALUE;
        for (int round = 0; round < 100 && least > 0; round++) {
            long before = threads.getCurrentThreadAllocatedBytes();
            for (int i = 0; i < 2000; i++) {
                stages(pass, shaped.bridgePort);
                stages(pass, policed.bridgePort);
            }
            least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
            Thread.sleep(least > 0 ? 20 : 0);
        }
        pass.batch.close();
        assertThat(least).isZero();
    }

    /** What the stages of a pass do, without the frames, which the doubles allocate. */
    private void stages(Pass pass, BridgePort from) {
        now += 1000;
        pass.nanos = now;
        pass.source = from;
        for (int i = 0; i < everyFrame.length; i++) {
            everyFrame[i] = i;
            pass.batch.length[i] = FRAME;
        }
        int left = BridgePort.run(from.ingress, pass, everyFrame, everyFrame.length);
        left = BridgePort.run(uplink.egress, pass, everyFrame, left);
        BridgePort.run(from.egress, pass, everyFrame, left);
    }

    @Test
    void reservationsThatTheUplinkCannotHoldAreRefusedWithTheirSum() {
        qos.uplink(uplink, new UplinkSpeed(1000 * MEGABIT), qos.fallback());
        var first = guest();
        var second = guest();
        qos.change(first.bridgePort, Optional.of(reserving("a", 600)));
        assertThatThrownBy(() -> qos.change(second.bridgePort, Optional.of(reserving("b", 500))))
                .hasMessageContaining("reservations of 1.1 Gbit/s are more than the 1 Gbit/s")
                .hasMessageContaining("uplink up")
                .hasMessageContaining("guest1 600 Mbit/s, guest2 500 Mbit/s");
        var policy = reserving("b", 400);
        qos.change(second.bridgePort, Optional.of(policy));
        assertThatThrownBy(() -> policy.change(reserving("x", 401).settings()))
                .hasMessageContaining("1.001 Gbit/s");
        assertThat(policy.settings().reservation()).isEqualTo(400 * MEGABIT);
        // The network's policy goes to those that have none of their own.
        assertThatThrownBy(
                        () -> {
                            guest();
                            qos.fallback(Optional.of(reserving("c", 1)));
                        })
                .hasMessageContaining("guest3 1 Mbit/s");
        qos.remove(first.bridgePort);
        qos.fallback(Optional.of(reserving("c", 600)));
        assertThatThrownBy(this::guest).hasMessageContaining("guest4 600 Mbit/s");
    }

    @Test
    void anUplinkThatCannotHoldWhatIsReservedIsRefused() {
        qos.change(guest().bridgePort, Optional.of(reserving("a", 600)));
        assertThatThrownBy(() -> qos.uplink(uplink, new UplinkSpeed(500 * MEGABIT), qos.fallback()))
                .hasMessageContaining("600 Mbit/s are more than the 500 Mbit/s");
        assertThat(qos.speed()).isZero();
        qos.uplink(uplink, new UplinkSpeed(700 * MEGABIT), qos.fallback());
        assertThat(qos.reserved()).isEqualTo(600 * MEGABIT);
        qos.remove(uplink);
        assertThat(qos.reserved()).isZero();
    }

    @Test
    void nothingIsReservedOfAnUplinkThatDoesNotSayItsSpeed() {
        qos.uplink(uplink, new UplinkSpeed(0), qos.fallback());
        var guest = guest();
        assertThatThrownBy(() -> qos.change(guest.bridgePort, Optional.of(reserving("a", 1))))
                .hasMessageContaining("set the speed of the Uplink");
    }

    @Test
    void aPortsOwnPolicyWinsWhole() {
        var guest = guest();
        qos.fallback(Optional.of(policy("net", rates(10, true), rates(10, false), 1)));
        assertThat(guest.bridgePort.ingress).hasSize(1);
        assertThat(guest.bridgePort.egress).hasSize(1);
        qos.change(
                guest.bridgePort, Optional.of(policy("own", Optional.empty(), rates(5, false), 1)));
        assertThat(guest.bridgePort.ingress).isSameAs(PortStage.NONE);
        assertThat(guest.bridgePort.egress).hasSize(1);
        qos.change(guest.bridgePort, Optional.empty());
        assertThat(guest.bridgePort.ingress).hasSize(1);
        qos.fallback(Optional.empty());
        assertThat(guest.bridgePort.qos).isNull();
    }

    @Test
    void aPolicyChangesUnderLoadWithoutLoss() {
        var guest = guest();
        var policy = policy("p", rates(10, true), Optional.empty(), 1);
        qos.change(guest.bridgePort, Optional.of(policy));
        long got = run(SECOND / 2);
        for (long megabits : new long[] {100, 20, 0, 50, 10}) {
            int woken = guest.woken;
            policy.change(
                    new QosSettings(
                            megabits == 0 ? Optional.empty() : rates(megabits, true),
                            Optional.empty(),
                            100,
                            0,
                            0,
                            QosSettings.Marking.NONE));
            assertThat(guest.woken).isGreaterThan(woken);
            got += run(SECOND / 20);
        }
        assertThat(got).isEqualTo(guest.taken() * WIRE);
        got += run(SECOND / 2);
        long before = guest.taken();
        got = run(2 * SECOND);
        assertThat(rate(got, 2 * SECOND) / MEGABIT).isCloseTo(10, within(0.2));
        assertThat((guest.taken() - before) * WIRE).isEqualTo(got);
        qos.remove(guest.bridgePort);
        assertThat(guest.bridgePort.ingress).isSameAs(PortStage.NONE);
    }
}
