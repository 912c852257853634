package io.vireo.transport.vhostuser;

import static io.vireo.testkit.Eventually.until;
import static io.vireo.transport.vhostuser.TestBed.echo;
import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.testkit.DriverMemory;
import io.vireo.testkit.DriverQueue;
import io.vireo.testkit.HostShell;
import io.vireo.testkit.SplitDriverQueue;
import io.vireo.testkit.VhostUserSession;
import io.vireo.testkit.VhostUserSession.Ring;
import io.vireo.transport.Endpoint;
import io.vireo.transport.Endpoint.State;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Memory on a file system that is full: its file is as long as it should be, but some of its pages
 * are not there, and cannot be had.
 */
class MissingPagesTest extends ConversationBed {
    /** Offset of pages that no driver has touched. */
    private static final long HOLE = MEMORY / 2;

    private static final long FILLED = MEMORY - 64;

    @TempDir Path mount;

    private DriverMemory hollow;
    private DriverMemory neighborsOwn;
    private Endpoint disk;
    private Endpoint neighbor;
    private Endpoint onMemfd;

    @SuppressWarnings("NullAway.Init") // set by fill, before each test
    MissingPagesTest() {}

    /** Three devices, all on the same reactor. */
    @BeforeEach
    void fill() {
        HostShell.run("mount -t tmpfs -o size=1m vireo-test " + mount);
        hollow = DriverMemory.inFile(mount.resolve("hollow"), MEMORY);
        neighborsOwn = DriverMemory.inFile(mount.resolve("neighbor"), MEMORY);
        disk = presentOnFirst("disk");
        neighbor = presentOnFirst("neighbor");
        onMemfd = presentOnFirst("memfd");
    }

    private Endpoint presentOnFirst(String name) {
        var endpoint = bed.present(bed.device(1), name);
        bed.device(1);
        return endpoint;
    }

    @AfterEach
    void empty() {
        hollow.close();
        neighborsOwn.close();
        HostShell.run("umount -l " + mount);
    }

    @Test
    void dataThatCannotBeReadEndThatSessionOnly() {
        attack(ring -> request(ring, HOLE, FILLED - 64));
    }

    @Test
    void dataThatCannotBeWrittenEndThatSessionOnly() {
        attack(ring -> request(ring, FILLED, HOLE));
    }

    @Test
    void aTableThatCannotBeReadEndsThatSessionOnly() {
        attack(ring -> {
            var queue = (SplitDriverQueue) ring.queue();
            queue.descriptor(0, at(HOLE), 32, DriverQueue.INDIRECT, 0);
            queue.offer(0);
        });
    }

    private interface Attack {
        void begin(Ring ring);
    }

    /** Others have memory on the same file system, or of their own, and go on. */
    private void attack(Attack attack) {
        try (var session = VhostUserSession.open(bed.path("disk"), hollow);
                var others = VhostUserSession.open(bed.path("neighbor"), neighborsOwn);
                var memfd = VhostUserSession.open(bed.path("memfd"), memory)) {
            var ring = session.start(0, 64);
            var othersRing = others.start(0, 64);
            var memfdRing = memfd.start(0, 64);
            echo(session, ring, 1);
            echo(others, othersRing, 1);
            echo(memfd, memfdRing, 1);
            // It ends when no page is left.
            HostShell.result("cat /dev/zero >" + mount + "/rest");
            attack.begin(ring);
            VhostUserSession.publish(ring);
            int value = 2;
            while (disk.state() != State.WAITING && value < 20_000) {
                echo(others, othersRing, value);
                echo(memfd, memfdRing, value++);
                ring.kick().signal();
            }
            until("the end of the session", () -> disk.state() == State.WAITING);
            assertThat(disk.lastError())
                    .isEqualTo(
                            "guest memory is not there: the front end took it away, or the file"
                                    + " system that it is on is full; connection closed");
            for (int i = 0; i < 100; i++) {
                echo(others, othersRing, value);
                echo(memfd, memfdRing, value++);
            }
        }
        assertThat(disk.counters()).containsEntry("memory_lost", 1L);
        assertThat(neighbor.counters()).containsEntry("sessions_dropped", 0L);
        assertThat(onMemfd.counters()).containsEntry("sessions_dropped", 0L);
    }

    private static void request(Ring ring, long from, long to) {
        ring.queue().add(new long[] {at(from), at(to)}, new int[] {8, 8}, 2, 1);
    }

    private static long at(long offset) {
        return DriverMemory.GUEST_BASE + offset;
    }
}
