package io.vireo.transport.vhostuser;

import static io.vireo.testkit.VhostUserFrontEnd.*;
import static io.vireo.transport.vhostuser.TestBed.echo;
import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.linux.ErrnoException;
import io.vireo.linux.Fd;
import io.vireo.linux.ForeignMemory;
import io.vireo.linux.Mapping;
import io.vireo.linux.Memfd;
import io.vireo.resource.MacAddress;
import io.vireo.testkit.DriverMemory;
import io.vireo.testkit.DriverQueue;
import io.vireo.testkit.Eventually;
import io.vireo.testkit.VhostUserSession;
import io.vireo.testkit.VhostUserSession.Ring;
import io.vireo.virtqueue.DirtyLog;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.ValueSource;

/** What a front end does to move a guest to another host, in the order in which QEMU does it. */
@ParameterizedClass
@ValueSource(longs = {0, VhostUserSession.RING_PACKED})
class MigrationTest {
    private static final long MEMORY = 1 << 20;
    private static final long LOG = DirtyLog.bytesFor(DriverMemory.GUEST_BASE + MEMORY);

    private final long format;
    private TestBed bed;
    private DriverMemory memory;
    private Fd file;
    private Mapping log;

    MigrationTest(long format) {
        this.format = format;
    }

    @BeforeEach
    void open() throws ErrnoException {
        bed = new TestBed();
        memory = new DriverMemory(MEMORY);
        file = Memfd.create("log", LOG, Memfd.MFD_ALLOW_SEALING);
        log = Mapping.map(file, 0, LOG, Mapping.PROT_READ | Mapping.PROT_WRITE, true);
    }

    @AfterEach
    void close() {
        bed.close();
        memory.close();
        log.close();
        file.close();
    }

    private VhostUserSession open(String name) {
        return VhostUserSession.open(
                bed.path(name), memory, ~VhostUserSession.RING_PACKED | format);
    }

    /** Where a device writes to its ring. */
    private long written(Ring ring) {
        return format == 0 ? ring.queue().used() : ring.queue().descriptors();
    }

    private void begin(VhostUserSession session, Ring... rings) {
        var body = payload(16).putLong(0, LOG);
        assertThat(session.frontEnd().ask(SET_LOG_BASE, body, file).request())
                .isEqualTo(SET_LOG_BASE);
        session.tell(SET_FEATURES, u64(session.features() | VhostUserSession.LOG_ALL));
        for (int i = 0; i < rings.length; i++) {
            logRing(session, i, rings[i]);
        }
    }

    private static void logRing(VhostUserSession session, int index, Ring ring) {
        var body = VhostUserSession.addresses(index, ring.queue());
        session.tell(SET_VRING_ADDR, body.putInt(4, 1).putLong(32, ring.queue().used()));
    }

    /** Takes the mark of a page out, as a front end does when it copies the page. */
    private boolean marked(long guestAddress) {
        long at = log.address() + guestAddress / DirtyLog.PAGE / 8;
        boolean marked = ForeignMemory.getByte(at) != 0;
        if (marked) {
            // One that comes between is not taken out unseen.
            ForeignMemory.putByte(at, (byte) 0);
        }
        return marked;
    }

    /** Where {@link TestBed#echo} has its answer written. */
    private static long answer() {
        return DriverMemory.GUEST_BASE + MEMORY - 32;
    }

    @Test
    void marksWhatItWritesFromTheMomentOnThatItIsTold() {
        bed.present(bed.device(2), "disk");
        try (var session = open("disk")) {
            var ring = session.start(0, 64);
            var other = session.start(1, 64);
            echo(session, ring, 1);
            assertThat(marked(answer())).isFalse();
            begin(session, ring, other);
            for (int i = 2; i < 100; i++) {
                var served = i % 2 == 0 ? ring : other;
                marked(answer());
                marked(written(served));
                echo(session, served, i);
                assertThat(marked(answer())).isTrue();
                // A split ring is marked after its index is published.
                Eventually.until(() -> marked(written(served)));
            }
            session.tell(SET_FEATURES, u64(session.features()));
            marked(answer());
            marked(written(ring));
            echo(session, ring, 100);
            assertThat(marked(answer())).isFalse();
            assertThat(marked(written(ring))).isFalse();
        }
    }

    @Test
    void marksWhatWasInFlightBefore() {
        var device = bed.device(1);
        bed.present(device, "disk");
        try (var session = open("disk")) {
            var ring = session.start(0, 64);
            device.hold(true);
            TestBed.add(session, ring, 5);
            VhostUserSession.publish(ring);
            Eventually.until("the request is taken", () -> device.taken.get() == 1);
            begin(session, ring);
            marked(answer());
            device.hold(false);
            VhostUserSession.awaitUsed(ring);
            assertThat(marked(answer())).isTrue();
        }
    }

    /** A device that is started while the guest is on its way: the log comes last. */
    @Test
    void marksFromTheStartOn() {
        bed.present(bed.device(1), "disk");
        try (var session = open("disk")) {
            session.tell(SET_FEATURES, u64(session.features() | VhostUserSession.LOG_ALL));
            var ring = session.start(0, 64);
            echo(session, ring, 1);
            begin(session, ring);
            echo(session, ring, 2);
            assertThat(marked(answer())).isTrue();
            session.stop(0);
            session.kick(0, ring);
            marked(answer());
            echo(session, ring, 3);
            assertThat(marked(answer())).isTrue();
        }
    }

    /** There with a record of its own: what is in flight is completed here before. */
    @Test
    void goesOnAtAnotherBackEnd() {
        var devices = List.of(bed.device(1), bed.device(1));
        bed.present(devices.get(0), "0");
        bed.present(devices.get(1), "1");
        var queue = DriverQueue.of(memory, 16, format | VhostUserSession.EVENT_IDX);
        int base = DriverQueue.base(16, format, 0);
        for (int move = 0; move < 10; move++) {
            var device = devices.get(move % 2);
            try (var session = open(String.valueOf(move % 2))) {
                session.trackInflight(1, 16).close();
                var ring = session.start(0, queue, base);
                for (int i = 0; i <= 5 * move; i++) {
                    echo(session, ring, 100L * move + i);
                }
                begin(session, ring);
                int taken = device.taken.get();
                device.hold(true);
                TestBed.add(session, ring, move);
                VhostUserSession.publish(ring);
                Eventually.until("the request is taken", () -> device.taken.get() > taken);
                marked(answer());
                session.frontEnd().send(GET_VRING_BASE, state(0, 0));
                device.hold(false);
                base = session.frontEnd().receive().body().getInt(4);
                assertThat(queue.poll()).isTrue();
                TestBed.check(session, move);
                assertThat(marked(answer())).isTrue();
            }
        }
    }

    @Test
    void announcesTheCard() {
        var card = bed.networkCard(2);
        bed.present(card, "card");
        bed.present(bed.device(1), "disk");
        try (var session = open("card");
                var disk = open("disk")) {
            // QEMU copies the octets to the beginning of the number.
            var mac = payload(8).put(0, new byte[] {0x52, 0x54, 0, 1, 2, 3});
            session.tell(SEND_RARP, mac);
            assertThat(card.announced.get()).isEqualTo(MacAddress.parse("52:54:00:01:02:03"));
            assertThat(session.frontEnd().acknowledged(SEND_RARP, u64(1))).isNotZero();
            assertThat(session.frontEnd().acknowledged(SEND_RARP, u64(0))).isNotZero();
            assertThat(disk.protocolFeatures() & Bits.RARP).isZero();
        }
    }
}
