package io.vireo.fabric.l2;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vireo.net.Network;
import io.vireo.net.PortSpec;
import io.vireo.net.QosPolicy;
import io.vireo.net.QosSettings;
import io.vireo.net.QosSettings.Rates;
import io.vireo.net.UplinkSpeed;
import io.vireo.reactor.PollMode;
import io.vireo.reactor.Reactor;
import io.vireo.reactor.ReactorConfig;
import io.vireo.resource.VlanSet;
import io.vireo.testkit.BlockClient;
import io.vireo.testkit.FramePort;
import io.vireo.testkit.Frames;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Ports that wait on a reactor: asleep until their rate allows more, or another does. */
class L2SwitchQosTest {
    private static final int FRAMES = 200;
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(60);

    private final Reactor reactor = Reactor.start(new ReactorConfig("net", -1, PollMode.ADAPTIVE));
    private final L2Switch network =
            new L2Switch(
                    new L2Switch.Config("lan", 1500, VlanSet.parse("1-5"), 300, 1000), reactor);
    private final FramePort guest = new FramePort("guest", 1500);
    private final FramePort sink = new FramePort("sink", 1500);

    private static QosSettings shaped(long rate) {
        return new QosSettings(
                Optional.of(new Rates(rate, rate, 128 << 10, true)),
                Optional.empty(),
                100,
                0,
                0,
                QosSettings.Marking.NONE);
    }

    private Network.Attachment plugWithFrames(QosPolicy policy) {
        network.attach(sink, PortSpec.access(0));
        return BlockClient.on(
                reactor,
                () -> {
                    for (int i = 0; i < FRAMES; i++) {
                        guest.arrive(Frames.frame(Frames.BROADCAST, 0x5254_0000_0001L, 1514));
                    }
                    return network.attach(guest, PortSpec.access(0).withQos(Optional.of(policy)));
                });
    }

    private static void await(Network.Attachment guest, long frames) {
        long deadline = System.nanoTime() + PATIENCE_NANOS;
        while (guest.counters().receivedFrames() < frames) {
            assertThat(System.nanoTime()).isLessThan(deadline);
            LockSupport.parkNanos(100_000);
        }
    }

    @AfterEach
    void close() throws InterruptedException {
        var closed = new CountDownLatch(1);
        network.close(closed::countDown);
        assertThat(closed.await(20, TimeUnit.SECONDS)).isTrue();
        reactor.close();
    }

    @Test
    void whatWaitsLeavesInTime() {
        var attachment = plugWithFrames(new QosPolicy("p", shaped(1_000_000)));
        await(attachment, FRAMES);
        assertThat(BlockClient.on(reactor, sink::sent)).hasSize(FRAMES);
        assertThat(attachment.qosCounters().pauses()).isPositive();
        attachment.detach(() -> {});
    }

    @Test
    void aChangeWakesAPortThatWouldSleepForHours() {
        var policy = new QosPolicy("p", shaped(1));
        var attachment = plugWithFrames(policy);
        await(attachment, 1);
        assertThat(attachment.counters().receivedFrames()).isLessThan(FRAMES);
        // Not for as long as before, but for too long to do without another timer.
        policy.change(shaped(100_000_000));
        await(attachment, FRAMES);
        assertThat(BlockClient.on(reactor, sink::sent)).hasSize(FRAMES);
        attachment.detach(() -> {});
    }

    @Test
    void theUplinksSpeedIsWhatCanBeReserved() {
        network.attachUplink(
                new FramePort("office", 1500),
                PortSpec.transparent(true),
                new UplinkSpeed(1_000_000_000));
        var policy =
                new QosPolicy(
                        "gold",
                        new QosSettings(
                                Optional.empty(),
                                Optional.empty(),
                                1,
                                600_000_000,
                                0,
                                QosSettings.Marking.NONE));
        network.defaultQos(Optional.of(policy));
        var first = network.attach(guest, PortSpec.access(0));
        assertThat(first.qos()).contains(policy);
        assertThat(network.uplinkRoom())
                .isEqualTo(new L2Switch.UplinkRoom(1_000_000_000, 600_000_000));
        assertThatThrownBy(() -> network.attach(sink, PortSpec.access(0)))
                .hasMessageContaining("1.2 Gbit/s")
                .hasMessageContaining("uplink office");
        assertThat(network.portCount()).isEqualTo(2);
        // One that has its own policy does not need room for the network's.
        var own = PortSpec.access(0).withQos(Optional.of(new QosPolicy("own", QosSettings.NONE)));
        var second = network.attach(sink, own);
        assertThatThrownBy(() -> second.reconfigure(PortSpec.access(0)))
                .hasMessageContaining("1.2 Gbit/s");
        assertThat(second.qos()).map(QosPolicy::name).contains("own");
        network.defaultQos(Optional.empty());
        second.reconfigure(PortSpec.access(0).withQos(Optional.of(policy)));
        // What is refused of a port's other settings leaves its policy alone.
        var forbidden = PortSpec.trunk(List.of(7), OptionalInt.empty());
        assertThatThrownBy(() -> second.reconfigure(forbidden)).hasMessageContaining("7");
        assertThat(second.qos()).contains(policy);
        assertThatThrownBy(() ->
                        policy.change(
                                new QosSettings(
                                        Optional.empty(),
                                        Optional.empty(),
                                        1,
                                        2_000_000_000,
                                        0,
                                        QosSettings.Marking.NONE)))
                .hasMessageContaining("2 Gbit/s");
    }
}
