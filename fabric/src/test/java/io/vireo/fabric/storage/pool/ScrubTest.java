package io.vireo.fabric.storage.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockStatus;
import io.vireo.block.VolumeFormat;
import io.vireo.reactor.Reactor;
import io.vireo.testkit.crash.DiskFault;
import io.vireo.testkit.crash.DiskImage;
import io.vireo.testkit.crash.DiskLog;
import io.vireo.testkit.crash.SimulatedDisk;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A scrub finds and names what disks have done to data that nobody has read, and repairs it. */
class ScrubTest {
    private static final int CHUNK = 16 << 10;
    private static final int BLOCK = 4096;

    private final List<String> damaged = new ArrayList<>();
    private final List<String> repaired = new ArrayList<>();
    private final Reactor home = Reactor.stepped("scrub");
    private final List<SimulatedDisk> disks = new ArrayList<>();
    private StoragePool pool = make(1);

    private StoragePool make(int copies) {
        disks.clear();
        for (int i = 0; i < copies; i++) {
            var disk = new SimulatedDisk(i, new DiskImage(8 << 20), new DiskLog(), 1, true);
            disk.logging(false);
            disks.add(disk);
        }
        StoragePool.create(
                PoolStore.CONFIG.withCopies(copies), List.<BlockDevice>copyOf(disks), home);
        return StoragePool.open(
                List.<BlockDevice>copyOf(disks),
                home,
                new PoolOptions(Duration.ofSeconds(1), Duration.ofDays(1), events()));
    }

    private PoolEvents events() {
        return new PoolEvents() {
            @Override
            public void damaged(String volume, long offset, String sentence) {
                damaged.add(volume + " " + offset);
            }

            @Override
            public void repaired(String volume, long offset, String sentence) {
                repaired.add(volume + " " + offset);
            }
        };
    }

    private void remake(int copies) {
        pool.abandon();
        pool = make(copies);
    }

    @AfterEach
    void close() {
        disks.forEach(disk -> disk.faults(_ -> DiskFault.NONE));
        pool.abandon();
        home.close();
    }

    private void volume(String name, boolean checksums, int fill) {
        pool.createVolume(name, new VolumeFormat(1 << 20, 512, BLOCK, false, checksums));
        write(name, 0, fill);
        write(name, 20L * CHUNK, fill);
    }

    private void write(String volume, long at, int fill) {
        byte[] data = new byte[CHUNK];
        Arrays.fill(data, (byte) fill);
        var client = new SteppedClient(pool.device(volume), home);
        assertThat(client.await(client.write(at, data, false))).isEqualTo(BlockStatus.OK);
        client.close();
    }

    private void flip(int disk, int fill, int which) {
        DiskImage image = disks.get(disk).contents();
        byte[] wanted = new byte[BLOCK];
        Arrays.fill(wanted, (byte) fill);
        int found = 0;
        for (long at = 0; at < image.capacity(); at += BLOCK) {
            if (Arrays.equals(image.read(at, BLOCK), wanted) && found++ == which) {
                image.flip(at, 0);
                return;
            }
        }
        throw new AssertionError("there is no such block");
    }

    private ScrubStatus scrub() {
        pool.scrub(0);
        return settled();
    }

    private ScrubStatus settled() {
        for (int i = 0; i < 20_000; i++) {
            ScrubStatus status = pool.scrubStatus();
            if (status.state() != ScrubStatus.State.RUNNING) {
                return status;
            }
            home.step();
        }
        throw new AssertionError("the scrub does not end");
    }

    @Test
    void findsNothingWhereNothingIsWrong() {
        volume("a", true, 7);
        volume("b", false, 8);
        pool.snapshot("a", "s");
        ScrubStatus status = scrub();
        assertThat(status.state()).isEqualTo(ScrubStatus.State.DONE);
        // What is shared is read once.
        assertThat(status.readBytes()).isEqualTo(4 * CHUNK).isEqualTo(status.totalBytes());
        assertThat(status.wrong() + status.repaired() + status.different()).isZero();
        assertThat(status.finished()).isPositive();
        assertThat(damaged).isEmpty();
    }

    @Test
    void namesWhatIsWrongAndGoesOn() {
        volume("a", true, 7);
        flip(0, 7, 2);
        flip(0, 7, 6);
        ScrubStatus status = scrub();
        assertThat(status.wrong()).isEqualTo(2);
        assertThat(damaged).containsExactly("a " + 2 * BLOCK, "a " + (20 * CHUNK + 3 * BLOCK));
        assertThat(scrub().state()).isEqualTo(ScrubStatus.State.DONE);
    }

    @Test
    void namesWhatCannotBeRead() {
        volume("b", false, 8);
        disks.getFirst()
                .faults(r ->
                        r.operation() == io.vireo.block.BlockOperation.READ
                                ? DiskFault.eio()
                                : DiskFault.NONE);
        assertThat(scrub().wrong()).isEqualTo(2);
        assertThat(damaged).containsExactly("b 0", "b " + 20 * CHUNK);
    }

    @Test
    void repairsEachCopyFromTheOther() {
        remake(2);
        volume("a", true, 7);
        flip(0, 7, 1);
        flip(1, 7, 6);
        ScrubStatus status = scrub();
        assertThat(status.repaired()).isEqualTo(2);
        assertThat(repaired).containsExactly("a " + BLOCK, "a " + (20 * CHUNK + 2 * BLOCK));
        assertThat(scrub().repaired()).isZero();
        assertThat(damaged).isEmpty();
    }

    @Test
    void namesCopiesThatDifferWithoutAChecksum() {
        remake(2);
        volume("b", false, 8);
        flip(1, 8, 5);
        ScrubStatus status = scrub();
        assertThat(status.different()).isEqualTo(1);
        assertThat(damaged).containsExactly("b " + (20 * CHUNK + BLOCK));
    }

    @Test
    void keepsToARateAndIsCancelled() {
        volume("a", true, 7);
        pool.scrub(1);
        for (int i = 0; i < 20; i++) {
            home.step();
        }
        assertThat(pool.scrubStatus().readBytes()).isLessThan(2 * CHUNK);
        pool.cancelScrub();
        assertThat(settled().state()).isEqualTo(ScrubStatus.State.CANCELLED);
        assertThat(scrub().state()).isEqualTo(ScrubStatus.State.DONE);
    }

    @Test
    void volumesMayGoAndChangeMeanwhile() {
        volume("a", true, 7);
        volume("b", false, 8);
        pool.scrub(0);
        home.step();
        pool.delete("a");
        write("b", 0, 9);
        pool.snapshot("b", "s");
        assertThat(settled().state()).isEqualTo(ScrubStatus.State.DONE);
        assertThat(damaged).isEmpty();
    }
}
