package io.vireo.fabric.l2.lldp;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.fabric.l2.bond.FakeUplink;
import io.vireo.net.FrameBatch;
import io.vireo.net.HostIdentity;
import io.vireo.net.NetPort;
import io.vireo.net.PortState;
import io.vireo.reactor.PollMode;
import io.vireo.reactor.Reactor;
import io.vireo.reactor.ReactorConfig;
import io.vireo.resource.MacAddress;
import io.vireo.resource.Metric;
import io.vireo.resource.spec.LldpSpec;
import io.vireo.testkit.NetPortContract;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** An uplink that speaks LLDP is a port like any other, and tells of its neighbors. */
class LldpUplinkTest extends NetPortContract {
    private static final int PATIENCE = 2000;

    private final Reactor reactor =
            Reactor.start(new ReactorConfig("lldp-test", -1, PollMode.INTERRUPT));
    private final FakeUplink wire = new FakeUplink("wire");
    private final Queue<byte[]> departed = new ArrayDeque<>();
    private final List<Runnable> listeners = new ArrayList<>();
    private final FrameBatch batch = new FrameBatch();
    private final LldpUplink uplink =
            new LldpUplink(
                    wire,
                    LldpSpec.DEFAULT,
                    new HostIdentity(new MacAddress(0x0200_0000_00AAL), "host1", "Vireo"),
                    "rack",
                    "eth1",
                    new MacAddress(0x0200_0000_000AL));

    @Override
    protected NetPort open(Runnable wake) throws Exception {
        run(() -> uplink.attached(reactor, wake));
        return uplink;
    }

    @Override
    protected void run(Runnable task) throws Exception {
        var done = new CompletableFuture<Boolean>();
        reactor.execute(() -> {
            try {
                task.run();
                done.complete(true);
            } catch (Throwable e) {
                done.completeExceptionally(e);
            }
        });
        done.get();
    }

    @Override
    protected void arrive(byte[] frame) throws Exception {
        run(() -> wire.arrive(frame));
    }

    @Override
    protected List<byte[]> departed() throws Exception {
        var frames = new ArrayList<byte[]>();
        run(() -> frames.addAll(wire.frames.sent()));
        return frames;
    }

    @Override
    protected void shut() throws Exception {
        run(uplink::detached);
        listeners.forEach(uplink::forget);
        uplink.close();
        assertThat(wire.isAttached()).isFalse();
        assertThat(wire.listeners()).isZero();
        reactor.close();
        batch.close();
    }

    private void listen(Runnable listener) {
        uplink.onChange(listener);
        listeners.add(listener);
    }

    private static byte[] theirs(int seconds) {
        var local =
                new LocalSystem(
                        new HostIdentity(new MacAddress(0x0200_0000_00BBL), "sw1", "a switch"),
                        new MacAddress(0x0200_0000_000BL),
                        "port7",
                        "to the rack",
                        1500,
                        Optional.empty());
        return seconds == 0
                ? LldpduWriter.shutdown(local)
                : LldpduWriter.announcement(local, seconds);
    }

    /** Waits for the next frame of LLDP. There may be more of them every second. */
    private Neighbor sent() throws Exception {
        for (int i = 0; i < PATIENCE && departed.isEmpty(); i++) {
            departed.addAll(departed());
            Thread.sleep(5);
        }
        assertThat(departed).isNotEmpty();
        return read(departed.remove());
    }

    /** Waits until it says that it is there no more. */
    private void takesItBack() throws Exception {
        while (sent().ttl() > 0) {
            // What it said of itself before that.
        }
    }

    private void receive(byte[] frame) throws Exception {
        run(() -> {
            wire.arrive(frame);
            batch.clear();
            assertThat(uplink.receive(batch)).isEqualTo(1);
            assertThat(wire.frames.borrowed()).isEqualTo(1);
            uplink.release(batch);
        });
    }

    private static Neighbor read(byte[] frame) {
        return LldpduReader.read(frame, frame.length, new LldpStatistics()).orElseThrow();
    }

    @Test
    void tellsWhoItIsAndTakesItBack() throws Exception {
        var told = sent();
        assertThat(told.summary()).isEqualTo("host1 eth1");
        assertThat(told.portDescription()).isEqualTo("Vireo uplink rack");
        assertThat(told.ttl()).isEqualTo(121);
        run(uplink::detached);
        takesItBack();
    }

    @Test
    void aLinkThatComesUpIsSpokenOn() throws Exception {
        sent();
        run(() -> wire.state(PortState.DOWN));
        run(() -> wire.state(PortState.UP));
        run(() -> {});
        sent();
    }

    @Test
    void showsWhoIsThere() throws Exception {
        var changes = new AtomicInteger();
        listen(changes::incrementAndGet);
        assertThat(uplink.attributes()).containsEntry("lldp", "both").doesNotContainKey("neighbor");
        sent();
        receive(theirs(100));
        assertThat(uplink.attributes())
                .containsEntry("neighbor", "sw1 port7")
                .containsEntry("neighbor.1.chassis", "02:00:00:00:00:bb")
                .containsEntry("neighbor.1.systemDescription", "a switch");
        assertThat(changes).hasValue(1);
        assertThat(uplink.metrics())
                .filteredOn(metric -> metric.name().equals("lldp_neighbors"))
                .extracting(Metric::value)
                .containsExactly(1.0);
        sent();
        receive(theirs(100));
        assertThat(changes).as("nothing new").hasValue(1);
        receive(theirs(0));
        assertThat(uplink.attributes()).doesNotContainKey("neighbor");
        assertThat(changes).hasValue(2);
    }

    @Test
    void aNeighborThatFallsSilentIsForgotten() throws Exception {
        var known = new LinkedBlockingQueue<Boolean>();
        listen(() -> known.add(uplink.attributes().containsKey("neighbor")));
        receive(theirs(1));
        assertThat(known.take()).isTrue();
        assertThat(known.take()).isFalse();
    }

    @Test
    void changesHowItSpeaksWhileItRuns() throws Exception {
        sent();
        receive(theirs(100));
        sent();
        uplink.change(new LldpSpec(LldpSpec.Mode.OFF, 30, Optional.empty()));
        takesItBack();
        receive(theirs(100));
        assertThat(uplink.attributes()).containsEntry("lldp", "off").doesNotContainKey("neighbor");
        uplink.change(new LldpSpec(LldpSpec.Mode.RECEIVE, 30, Optional.empty()));
        receive(theirs(100));
        assertThat(uplink.attributes()).containsEntry("neighbor", "sw1 port7");
        assertThat(departed()).isEmpty();
    }
}
