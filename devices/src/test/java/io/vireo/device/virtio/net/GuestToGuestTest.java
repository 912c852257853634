package io.vireo.device.virtio.net;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.fabric.l2.L2Switch;
import io.vireo.linux.ForeignMemory;
import io.vireo.net.DropReason;
import io.vireo.net.Network;
import io.vireo.net.PortSpec;
import io.vireo.reactor.PollMode;
import io.vireo.reactor.Reactor;
import io.vireo.reactor.ReactorConfig;
import io.vireo.resource.MacAddress;
import io.vireo.resource.VlanSet;
import io.vireo.testkit.DriverMemory;
import io.vireo.testkit.DriverQueue;
import io.vireo.testkit.Frames;
import io.vireo.virtqueue.Virtqueue;
import io.vireo.virtqueue.VirtqueueConfig;
import io.vireo.virtqueue.VirtqueueException;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.ValueSource;

/** Two guests on a switch that runs on its reactor, their drivers on the thread of the test. */
@ParameterizedClass
@ValueSource(longs = {0, Virtqueue.RING_PACKED})
class GuestToGuestTest {
    private static final long FEATURES =
            Virtqueue.VERSION_1 | Virtqueue.EVENT_IDX | Virtqueue.IN_ORDER | NetFeatures.MRG_RXBUF;
    private static final int QUEUE = 256;
    private static final int BUFFER = 2048;
    private static final int HEADER = 12;
    private static final String REACTOR = "guest-to-guest";

    // A busy machine compiles late: the steady state is what it comes to in the end.
    private static final int WINDOWS = 500;

    private final long features;

    GuestToGuestTest(long ring) {
        features = FEATURES | ring;
    }

    private final Reactor reactor =
            Reactor.start(new ReactorConfig(REACTOR, -1, PollMode.ADAPTIVE));
    private final L2Switch network =
            new L2Switch(new L2Switch.Config("lan", 1500, VlanSet.NONE, 300, 1024), reactor);

    @AfterEach
    void stop() {
        reactor.close();
    }

    private final class Guest {
        final DriverMemory memory = new DriverMemory(8L << 20);
        final DriverQueue receive = DriverQueue.of(memory, QUEUE, features);
        final DriverQueue transmit = DriverQueue.of(memory, QUEUE, features);
        final VirtioNetDevice device;
        final Network.Attachment attachment;
        final long[] received = new long[QUEUE];
        final long[] sent = new long[QUEUE];
        final int length;
        final List<Virtqueue> queues = new ArrayList<>();
        Runnable kick = () -> {};
        long frames;

        Guest(String name, long mac, int length) throws InterruptedException {
            this.length = length;
            device =
                    new VirtioNetDevice(
                            new VirtioNetConfig(name, new MacAddress(mac), 1500, 1, reactor));
            attachment = network.attach(device, PortSpec.access(0));
            var started = new CountDownLatch(1);
            reactor.execute(() -> {
                device.startQueue(0, activate(0, receive));
                var queue = activate(1, transmit);
                device.startQueue(1, queue);
                kick = queue::kick;
                started.countDown();
            });
            started.await();
        }

        private Virtqueue activate(int index, DriverQueue driver) {
            try {
                var queue =
                        new VirtqueueConfig(
                                        index,
                                        QUEUE,
                                        driver.addresses(),
                                        DriverQueue.base(QUEUE, features, 0),
                                        features,
                                        memory.table(),
                                        () -> {},
                                        Optional.empty(),
                                        (_, cause) -> {
                                            throw new AssertionError(cause);
                                        })
                                .activate();
                queues.add(queue);
                return queue;
            } catch (VirtqueueException e) {
                throw new AssertionError(e);
            }
        }

        void begin(long to, long from, int count) {
            for (int i = 0; i < QUEUE; i++) {
                long buffer = memory.allocate(BUFFER, 64);
                received[receive.addWritable(buffer, BUFFER)] = buffer;
            }
            receive.publish();
            for (int i = 0; i < count; i++) {
                long buffer = memory.allocate(BUFFER, 64);
                ForeignMemory.copyFromArray(
                        Frames.frame(to, from, length), 0, memory.host(buffer) + HEADER, length);
                sent[transmit.addReadable(buffer, HEADER + length)] = buffer;
            }
            notifyDevice(transmit.publish());
        }

        /** Takes the queues away, as for a guest that is lost. */
        void stop(CountDownLatch stopped) {
            if (stopped.getCount() > 0) {
                stopped.countDown();
                queues.forEach(Virtqueue::stop);
                device.stopQueue(0, () -> {});
                device.stopQueue(1, () -> {});
            }
        }

        /** Posts again what came back, sends again what was sent. */
        void pump() {
            while (receive.poll()) {
                long buffer = received[receive.usedHead()];
                assertThatLength(receive.usedLength());
                received[receive.addWritable(buffer, BUFFER)] = buffer;
                frames++;
            }
            receive.publish();
            while (transmit.poll()) {
                long buffer = sent[transmit.usedHead()];
                sent[transmit.addReadable(buffer, HEADER + length)] = buffer;
            }
            notifyDevice(transmit.publish());
        }

        private void assertThatLength(int used) {
            // Broadcasts of all guests have one length here.
            if (used != HEADER + length) {
                throw new AssertionError("used length " + used);
            }
        }

        private void notifyDevice(boolean wanted) {
            if (wanted) {
                reactor.execute(kick);
            }
        }
    }

    @Test
    void steadyStateAllocatesNothing() throws InterruptedException {
        var a = new Guest("a", 0x0200_0000_0001L, 64);
        var b = new Guest("b", 0x0200_0000_0002L, 64);
        a.begin(0x0200_0000_0002L, 0x0200_0000_0001L, 64);
        b.begin(0x0200_0000_0001L, 0x0200_0000_0002L, 64);
        run(a, b, 2_000_000);
        long least = Long.MAX_VALUE;
        for (int window = 0; window < WINDOWS && least > 0; window++) {
            long before = allocated();
            run(a, b, 100_000);
            least = Math.min(least, allocated() - before);
        }
        assertThat(least).as("bytes allocated by the reactor for 100,000 frames").isZero();
        assertThat(a.attachment.counters().transmittedDropped(DropReason.NO_BUFFER)).isZero();
        assertThat(b.attachment.counters().transmittedFrames()).isGreaterThan(1_000_000);
    }

    /** The reactor sleeps between frames: each wakes it by the notification that it asked for. */
    @Test
    void noWakeUpIsLost() throws InterruptedException {
        var a = new Guest("a", 0x0200_0000_0001L, 1514);
        var b = new Guest("b", 0x0200_0000_0002L, 1514);
        a.begin(0x0200_0000_0002L, 0x0200_0000_0001L, 1);
        b.begin(0x0200_0000_0001L, 0x0200_0000_0002L, 0);
        for (int i = 0; i < 300; i++) {
            run(a, b, 1);
            Thread.sleep(i % 3);
        }
        assertThat(b.frames).isGreaterThanOrEqualTo(300);
    }

    /**
     * Guests whose memory goes away under traffic, one after the other; the listener does what a
     * transport does.
     */
    @Test
    void truncatedMemoryHurtsItsOwnerOnly() throws InterruptedException {
        var a = new Guest("a", 0x0200_0000_0001L, 200);
        var b = new Guest("b", 0x0200_0000_0002L, 200);
        a.begin(Frames.BROADCAST, 0x0200_0000_0001L, 32);
        b.begin(0x0200_0000_0001L, 0x0200_0000_0002L, 32);
        run(a, b, 100_000);
        for (int round = 0; round < 10; round++) {
            var victim = new Guest("victim", 0x0200_0000_0003L, 200);
            victim.begin(Frames.BROADCAST, 0x0200_0000_0003L, 32);
            var stopped = new CountDownLatch(1);
            reactor.execute(() ->
                    reactor.onMemoryFault(() -> {
                        victim.stop(stopped);
                        return false;
                    }));
            for (int i = 0; i < 1000 + round * 100; i++) {
                a.pump();
                victim.pump();
                b.pump();
            }
            victim.memory.truncate(round % 3 * 4096L);
            while (stopped.getCount() > 0) {
                a.pump();
                b.pump();
            }
            run(a, b, 10_000);
            var detached = new CountDownLatch(1);
            victim.attachment.detach(detached::countDown);
            detached.await();
        }
        assertThat(reactor.metrics().failures()).as("pollers that were stopped").isZero();
        assertThat(reactor.metrics().memoryFaults()).isGreaterThanOrEqualTo(10);
    }

    private static void run(Guest a, Guest b, long frames) {
        long end = a.frames + b.frames + frames;
        while (a.frames + b.frames < end) {
            a.pump();
            b.pump();
            Thread.yield();
        }
    }

    private static long allocated() {
        var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
        for (long id : threads.getAllThreadIds()) {
            var info = threads.getThreadInfo(id);
            if (info != null && info.getThreadName().equals(REACTOR)) {
                return threads.getThreadAllocatedBytes(id);
            }
        }
        throw new AssertionError("no thread " + REACTOR);
    }
}
