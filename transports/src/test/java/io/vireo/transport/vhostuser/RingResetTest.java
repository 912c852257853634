package io.vireo.transport.vhostuser;

import static io.vireo.testkit.Eventually.until;
import static io.vireo.testkit.VhostUserFrontEnd.*;
import static io.vireo.testkit.VhostUserSession.EVENT_IDX;
import static io.vireo.testkit.VhostUserSession.RING_PACKED;
import static io.vireo.testkit.VhostUserSession.RING_RESET;
import static io.vireo.transport.vhostuser.TestBed.echo;
import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.linux.ForeignMemory;
import io.vireo.testkit.DriverMemory;
import io.vireo.testkit.DriverQueue;
import io.vireo.testkit.VhostUserFrontEnd;
import io.vireo.testkit.VhostUserSession;
import io.vireo.testkit.VhostUserSession.Ring;
import io.vireo.transport.Endpoint;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Resets of one queue while others run (VIRTIO 1.3, 2.6.1), by a front end that conveys them:
 * GET_VRING_BASE, and later all that tells of a ring.
 */
@ParameterizedClass
@ValueSource(longs = {0, RING_PACKED})
class RingResetTest {
    private static final long MEMORY = 4 << 20;
    private static final int QUEUES = 3;
    private static final int TRACKED = 64;
    private static final byte PATTERN = 0x5A;

    private final long format;
    private final long wanted;
    private TestBed bed;
    private DriverMemory memory;
    private EchoDevice device;
    private Endpoint endpoint;

    RingResetTest(long format) {
        this.format = format;
        wanted = ~RING_PACKED | format;
    }

    @BeforeEach
    void open() {
        bed = TestBed.withRingReset();
        memory = new DriverMemory(MEMORY);
        device = bed.device(QUEUES);
        endpoint = bed.present(device, "disk");
    }

    @AfterEach
    void close() {
        bed.close();
        memory.close();
    }

    private VhostUserSession session() {
        return VhostUserSession.open(bed.path("disk"), memory, wanted);
    }

    private int begin(int size) {
        return DriverQueue.base(size, format, 0);
    }

    @Test
    void isOfferedOnlyWhereItIsConveyed() {
        try (var other = new TestBed()) {
            other.present(other.device(1), "plain");
            try (var plain = VhostUserFrontEnd.connect(other.path("plain"));
                    var conveying = VhostUserFrontEnd.connect(bed.path("disk"))) {
                assertThat(plain.ask(GET_FEATURES, payload(0)).u64() & RING_RESET).isZero();
                assertThat(conveying.ask(GET_FEATURES, payload(0)).u64() & RING_RESET)
                        .isEqualTo(RING_RESET);
            }
        }
    }

    /**
     * Another size and other addresses each time, with and without a record of what is in flight.
     */
    @Test
    void oneQueueIsResetWhileAnotherRuns() {
        long seed = Long.getLong("vireo.seed", System.nanoTime());
        System.out.println("RingResetTest: -Dvireo.seed=" + seed);
        var random = new Random(seed);
        for (boolean tracked : new boolean[] {false, true}) {
            try (var session = session()) {
                if (tracked) {
                    session.trackInflight(QUEUES, TRACKED).close();
                }
                var other = session.start(0, 16);
                var ring = session.start(1, 32);
                for (int i = 0; i < 40; i++) {
                    for (int k = random.nextInt(50); k >= 0; k--) {
                        echo(session, ring, 1000L * i + k);
                    }
                    session.stop(1);
                    echo(session, other, i);
                    ring = session.start(1, size(random));
                }
                echo(session, ring, 7);
                echo(session, other, 8);
                assertThat(device.resets.get()).isEqualTo(tracked ? 1 : 0);
            }
            until("the session's end", () -> endpoint.state() == Endpoint.State.WAITING);
            memory.close();
            memory = new DriverMemory(MEMORY);
        }
        assertThat(endpoint.counters()).containsEntry("inflight_recovered", 0L);
    }

    private int size(Random random) {
        return format == 0 ? 2 << random.nextInt(6) : 2 + random.nextInt(TRACKED - 1);
    }

    /** Driver and device start anew: wrap counters, indices, and what each wants to be told. */
    @Test
    void theSameMemoryIsANewRing() {
        try (var session = session()) {
            var queue = DriverQueue.of(memory, 8, session.features());
            var ring = session.start(0, queue, begin(8));
            for (int i = 0; i < 27; i++) {
                echo(session, ring, i);
            }
            session.stop(0);
            memory.release(queue.descriptors());
            var again = DriverQueue.of(memory, 8, session.features());
            assertThat(again.addresses()).isEqualTo(queue.addresses());
            erase(again);
            ring = session.start(0, again, begin(8));
            for (int i = 0; i < 27; i++) {
                assertThat(again.arm()).isTrue();
                TestBed.add(session, ring, i);
                ring.call().drain();
                VhostUserSession.publish(ring);
                VhostUserSession.awaitUsed(ring);
                TestBed.check(session, i);
                var told = ring;
                until("a notification", () -> told.call().drain() == 0);
            }
        }
    }

    private void erase(DriverQueue queue) {
        ForeignMemory.fill(memory.host(queue.descriptors()), 16L * queue.size(), (byte) 0);
        ForeignMemory.fill(memory.host(queue.available()), 6 + 2L * queue.size(), (byte) 0);
        ForeignMemory.fill(memory.host(queue.used()), 6 + 8L * queue.size(), (byte) 0);
    }

    /** The reset is acknowledged when nothing is in flight, and nothing is written any more. */
    @Test
    void whatIsInFlightIsFinishedBeforeAndNothingIsWrittenAfter() {
        try (var session = session()) {
            session.trackInflight(QUEUES, TRACKED).close();
            var other = session.start(0, 16);
            var ring = session.start(1, 16);
            device.hold(true);
            TestBed.add(session, ring, 9);
            VhostUserSession.publish(ring);
            until("the device takes it", () -> device.taken.get() == 1);
            session.frontEnd().send(GET_VRING_BASE, state(1, 0));
            assertThat(session.frontEnd().receive(200)).isEmpty();
            device.hold(false);
            assertThat(session.frontEnd().receive().request()).isEqualTo(GET_VRING_BASE);
            VhostUserSession.awaitUsed(ring);
            TestBed.check(session, 9);
            assertThat(ring.queue().poll()).isFalse();

            // The driver has other uses for it.
            var old = ring.queue();
            fill(old);
            long room = memory.allocate(4096, 64);
            ForeignMemory.fill(memory.host(room), 4096, PATTERN);
            ring.kick().signal();
            var next = session.start(1, 64);
            for (int i = 0; i < 100; i++) {
                echo(session, other, i);
                echo(session, next, i);
            }
            assertUntouched(old);
            assertPattern(room, 4096);
            assertThat(endpoint.counters()).containsEntry("inflight_recovered", 0L);
        }
    }

    private void fill(DriverQueue queue) {
        ForeignMemory.fill(memory.host(queue.descriptors()), 16L * queue.size(), PATTERN);
        ForeignMemory.fill(memory.host(queue.available()), 4, PATTERN);
        ForeignMemory.fill(memory.host(queue.used()), 4, PATTERN);
    }

    private void assertUntouched(DriverQueue queue) {
        assertPattern(queue.descriptors(), 16 * queue.size());
        assertPattern(queue.available(), 4);
        assertPattern(queue.used(), 4);
    }

    private void assertPattern(long from, int length) {
        for (int i = 0; i < length; i++) {
            assertThat(ForeignMemory.getByte(memory.host(from + i))).isEqualTo(PATTERN);
        }
    }

    /**
     * Size, base, addresses and kick come in every order; the old ring is not touched meanwhile.
     */
    @Test
    void startsWhenAllIsToldInWhateverOrder() {
        try (var session = session()) {
            session.trackInflight(QUEUES, TRACKED).close();
            var other = session.start(0, 16);
            var ring = session.start(1, 16);
            var orders = new ArrayList<List<Integer>>();
            permute(new ArrayList<>(List.of(0, 1, 2, 3)), 0, orders);
            for (var order : orders) {
                echo(session, ring, 3);
                session.stop(1);
                var old = ring.queue();
                fill(old);
                ring =
                        restart(
                                session,
                                order,
                                ring,
                                DriverQueue.of(memory, 32, session.features()));
                echo(session, ring, 4);
                echo(session, ring, 5);
                echo(session, other, 6);
                assertUntouched(old);
            }
            assertThat(orders).hasSize(24);
        }
    }

    private Ring restart(
            VhostUserSession session, List<Integer> order, Ring before, DriverQueue queue) {
        for (int step : order) {
            switch (step) {
                case 0 -> session.tell(SET_VRING_NUM, state(1, queue.size()));
                case 1 -> session.tell(SET_VRING_BASE, state(1, begin(queue.size())));
                case 2 -> session.tell(SET_VRING_ADDR, VhostUserSession.addresses(1, queue));
                default -> session.kick(1, before);
            }
        }
        return new Ring(queue, before.kick(), before.call(), before.error());
    }

    private static void permute(List<Integer> items, int from, List<List<Integer>> into) {
        if (from == items.size()) {
            into.add(List.copyOf(items));
        }
        for (int i = from; i < items.size(); i++) {
            Collections.swap(items, from, i);
            permute(items, from + 1, into);
            Collections.swap(items, from, i);
        }
    }

    @Test
    void aQueueThatIsDisabledOrWasNeverStartedIsReset() {
        try (var session = session()) {
            var ring = session.start(0, 16);
            echo(session, ring, 1);
            session.enable(0, 0);
            session.stop(0);
            var again = session.start(0, 64);
            echo(session, again, 2);

            assertThat(session.stop(1)).isZero();
            assertThat(session.stop(1)).isZero();
            echo(session, session.start(1, 16), 3);

            // Reset while it is disabled, and enabled only after its new life is told.
            session.enable(0, 0);
            session.stop(0);
            var last = session.describe(0, DriverQueue.of(memory, 8, session.features()), begin(8));
            session.kick(0, last);
            TestBed.add(session, last, 4);
            VhostUserSession.publish(last);
            session.enable(0, 1);
            VhostUserSession.awaitUsed(last);
            TestBed.check(session, 4);
        }
    }

    /** The record has an entry for each descriptor: a larger ring is refused, the session lives. */
    @Test
    void aRingThatTheRecordIsTooSmallForIsRefused() {
        try (var session = session()) {
            session.trackInflight(QUEUES, 16).close();
            var other = session.start(0, 16);
            var ring = session.start(1, 16);
            echo(session, ring, 1);
            session.stop(1);
            var large = DriverQueue.of(memory, 32, session.features());
            var refused = session.describe(1, large, begin(32));
            assertThat(session.frontEnd().acknowledged(SET_VRING_KICK, u64(1), refused.kick().fd()))
                    .isNotZero();
            echo(session, other, 2);
            session.stop(1);
            echo(session, session.start(1, 8), 3);
            assertThat(endpoint.lastError()).contains("in-flight region for queues of 16");
        }
    }

    @Test
    void eventIndicesAreOffered() {
        try (var session = session()) {
            assertThat(session.features() & (EVENT_IDX | format)).isEqualTo(EVENT_IDX | format);
        }
    }
}
