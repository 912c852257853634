package io.vireo.transport.vhostuser;

import static io.vireo.testkit.Eventually.until;
import static io.vireo.testkit.VhostUserFrontEnd.*;
import static io.vireo.transport.vhostuser.TestBed.echo;
import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.linux.Fd;
import io.vireo.linux.FileCalls;
import io.vireo.linux.ForeignMemory;
import io.vireo.linux.NativeBuffer;
import io.vireo.testkit.DriverMemory;
import io.vireo.testkit.DriverQueue;
import io.vireo.testkit.VhostUserSession;
import io.vireo.transport.Endpoint.State;
import org.junit.jupiter.api.Test;

/** What was in flight when a session or the process ended is taken up by the next. */
class InflightTest extends ConversationBed {
    @Test
    void takesUpWhatWasInFlightInAPackedRing() {
        var device = bed.device(1);
        var endpoint = bed.present(device, "disk");
        var queue = DriverQueue.of(memory, 13, VhostUserSession.RING_PACKED);
        int stale = DriverQueue.base(13, VhostUserSession.RING_PACKED, 0);
        var first = VhostUserSession.open(bed.path("disk"), memory, ~0L);
        var record = first.trackInflight(1, 13);
        var firstRing = first.start(0, queue, stale);
        echo(first, firstRing, 3);
        device.hold(true);
        TestBed.add(first, firstRing, 4);
        VhostUserSession.publish(firstRing);
        // What is shared is as if the device went now, with all its memory.
        until("the device takes it", () -> device.taken.get() == 2);
        var guest = new byte[(int) MEMORY];
        ForeignMemory.copyToArray(memory.host(DriverMemory.GUEST_BASE), guest, 0, guest.length);
        var copy = read(record, new byte[4096]);
        first.close();
        device.hold(false);
        until("the first session's end", () -> endpoint.state() == State.WAITING);
        ForeignMemory.copyFromArray(guest, 0, memory.host(DriverMemory.GUEST_BASE), guest.length);
        try (var session = VhostUserSession.open(bed.path("disk"), memory, ~0L)) {
            var again = session.trackInflight(1, 13);
            write(again, copy, 32 + 32 * 13);
            var ring = session.start(0, queue, stale);
            VhostUserSession.awaitUsed(ring);
            TestBed.check(session, 4);
            assertThat(endpoint.counters()).containsEntry("inflight_recovered", 1L);
            echo(session, ring, 5);
            again.close();
        }
        record.close();
    }

    @Test
    void takesUpWhatWasInFlight() {
        var device = bed.device(1);
        var endpoint = bed.present(device, "disk");
        var queue = DriverQueue.of(memory, 16, VhostUserSession.EVENT_IDX);
        var first = VhostUserSession.open(bed.path("disk"), memory);
        var record = first.trackInflight(1, 16);
        var firstRing = first.start(0, queue, 0);
        echo(first, firstRing, 3);
        device.hold(true);
        TestBed.add(first, firstRing, 4);
        VhostUserSession.publish(firstRing);
        // Here the device goes with all its memory. The mark of the first request may be there
        // still: it is taken out only when the driver can see that the request was used.
        until("the device takes it", () -> device.taken.get() == 2);
        var copy = read(record, new byte[4096]);
        first.close();
        device.hold(false);
        until("the first session's end", () -> endpoint.state() == State.WAITING);
        VhostUserSession.awaitUsed(firstRing);
        record.close();

        // A second guest whose record says that one request was in flight when its back end died.
        var other = new DriverMemory(MEMORY);
        var driver = DriverQueue.of(other, 16, VhostUserSession.EVENT_IDX);
        try (var session = VhostUserSession.open(bed.path("disk"), other)) {
            var again = session.trackInflight(1, 16);
            restore(again, copy);
            var ring = session.describe(0, driver, 0);
            TestBed.add(session, ring, 5);
            driver.publish();
            session.kick(0, ring);
            session.enable(0, 1);
            VhostUserSession.awaitUsed(ring);
            TestBed.check(session, 5);
            assertThat(endpoint.counters()).containsEntry("inflight_recovered", 1L);
            again.close();
        }
        until("the second session's end", () -> endpoint.state() == State.WAITING);
        other.close();
    }

    /** What a ring that is stopped had yet to take up again it takes up when it goes on. */
    @Test
    void takesUpTheRestOfWhatWasInFlightAfterAPause() {
        var device = bed.device(1);
        device.room = 1;
        var endpoint = bed.present(device, "disk");
        try (var session = VhostUserSession.open(bed.path("disk"), memory);
                var record = session.trackInflight(1, 16)) {
            var ring = session.describe(0, DriverQueue.of(memory, 16, session.features()), 0);
            TestBed.add(session, ring, 5);
            TestBed.add(session, ring, 6);
            ring.queue().publish();
            // The chains' heads are 0 and 2. The second one was fetched first.
            var left = payload(16 + 16 * 16).putShort(8, (short) 1).putShort(10, (short) 16);
            left.put(16, (byte) 1).putLong(24, 1);
            left.put(16 + 2 * 16, (byte) 1).putLong(24 + 2 * 16, 0);
            write(record, left.array(), left.capacity());
            session.kick(0, ring);
            session.enable(0, 1);
            VhostUserSession.awaitUsed(ring);
            assertThat(ring.queue().usedHead()).isEqualTo(2);
            session.enable(0, 0);
            device.room = Integer.MAX_VALUE;
            session.enable(0, 1);
            VhostUserSession.awaitUsed(ring);
            assertThat(ring.queue().usedHead()).isZero();
            assertThat(endpoint.counters()).containsEntry("inflight_recovered", 3L);
            echo(session, ring, 7);
        }
    }

    private static byte[] read(Fd fd, byte[] bytes) {
        try (var buffer = NativeBuffer.allocate(bytes.length, 8)) {
            FileCalls.pread(fd.number(), buffer.address(), bytes.length, 0);
            ForeignMemory.copyToArray(buffer.address(), bytes, 0, bytes.length);
            return bytes;
        }
    }

    private static void restore(Fd fd, byte[] was) {
        // One request in flight: the first head of a fresh driver, and nothing used yet.
        var bytes = new byte[16 + 16 * 16];
        System.arraycopy(was, 0, bytes, 0, 12);
        bytes[16] = 1;
        write(fd, bytes, bytes.length);
    }

    private static void write(Fd fd, byte[] bytes, int length) {
        try (var buffer = NativeBuffer.allocate(length, 8)) {
            ForeignMemory.copyFromArray(bytes, 0, buffer.address(), length);
            FileCalls.pwrite(fd.number(), buffer.address(), length, 0);
        }
    }
}
