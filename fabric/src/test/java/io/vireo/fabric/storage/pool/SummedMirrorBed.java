package io.vireo.fabric.storage.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockStatus;
import io.vireo.block.VolumeFormat;
import io.vireo.fabric.storage.mirror.MirrorStatus;
import io.vireo.reactor.Reactor;
import io.vireo.testkit.crash.DiskFault;
import io.vireo.testkit.crash.DiskImage;
import io.vireo.testkit.crash.DiskLog;
import io.vireo.testkit.crash.SimulatedDisk;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * A pool of mirrors with a volume that has checksums and lies on the first of them; chunks of it
 * are full of one byte.
 */
final class SummedMirrorBed implements AutoCloseable {
    static final int CHUNK = 16 << 10;
    static final int BLOCK = 4096;
    static final long DISK = 8 << 20;

    final Reactor home = Reactor.stepped("summed-mirror");

    /** What is damaged, repaired, and out of the mirror. */
    final DamageLog told = new DamageLog();

    private final PoolOptions options =
            new PoolOptions(Duration.ofSeconds(1), Duration.ofDays(1), told);

    List<SimulatedDisk> disks = List.of();
    private Optional<StoragePool> open = Optional.empty();
    private Optional<SteppedClient> client = Optional.empty();

    /** Makes it of one mirror, with a volume "a" of 1 MiB. */
    SummedMirrorBed make(int copies) {
        return make(copies, 1);
    }

    /** The same of more mirrors, or of disks that are none. */
    SummedMirrorBed make(int copies, int members) {
        disks = new ArrayList<>();
        for (int i = 0; i < copies * members; i++) {
            disks.add(disk(i, new DiskImage(DISK), new DiskLog(), false));
        }
        StoragePool.create(
                PoolStore.CONFIG.withCopies(copies), List.<BlockDevice>copyOf(disks), home);
        open = Optional.of(StoragePool.open(List.<BlockDevice>copyOf(disks), home, options));
        pool().createVolume("a", new VolumeFormat(1 << 20, 512, BLOCK, false, true));
        use();
        return this;
    }

    private void use() {
        ThinDevice device = pool().device("a");
        device.striped(Optional.of(false));
        client = Optional.of(new SteppedClient(device, home));
    }

    private static SimulatedDisk disk(int number, DiskImage image, DiskLog log, boolean logged) {
        var disk = new SimulatedDisk(number, image, log, 1, true);
        disk.logging(logged);
        return disk;
    }

    /** The power goes, and comes back. */
    void cutPower() {
        cutPower(new DiskLog(), false);
    }

    void cutPower(DiskLog log, boolean logged) {
        disks.forEach(SimulatedDisk::vanish);
        leave();
        told.degraded.clear();
        disks = renewed(log, logged);
    }

    private List<SimulatedDisk> renewed(DiskLog log, boolean logged) {
        var after = new ArrayList<SimulatedDisk>();
        for (SimulatedDisk disk : disks) {
            after.add(disk(after.size(), disk.contents(), log, logged));
        }
        return after;
    }

    /** Opens it on what disks hold. */
    void open(List<DiskImage> images) {
        open(images, new DiskLog(), false);
    }

    /** The same, and records what is done to them. */
    void open(List<DiskImage> images, DiskLog log) {
        open(images, log, true);
    }

    private void open(List<DiskImage> images, DiskLog log, boolean logged) {
        disks = new ArrayList<>();
        for (int i = 0; i < images.size(); i++) {
            disks.add(disk(i, images.get(i), log, logged));
        }
        open();
    }

    void open() {
        open = Optional.of(StoragePool.open(List.<BlockDevice>copyOf(disks), home, options));
        use();
    }

    StoragePool pool() {
        return open.orElseThrow();
    }

    /** Lets go of it without a clean end. */
    void leave() {
        client.ifPresent(SteppedClient::close);
        open.ifPresent(StoragePool::abandon);
        client = Optional.empty();
        open = Optional.empty();
    }

    BlockStatus write(int chunk, int value) {
        return write((long) chunk * CHUNK, CHUNK, value);
    }

    BlockStatus write(long at, int length, int value) {
        byte[] data = new byte[length];
        Arrays.fill(data, (byte) value);
        SteppedClient c = client.orElseThrow();
        return c.await(c.write(at, data, false));
    }

    BlockStatus flush() {
        SteppedClient c = client.orElseThrow();
        return c.await(c.start(BlockOperation.FLUSH, 0, 0, _ -> {}));
    }

    /** What is there; empty: it cannot be read. */
    Optional<byte[]> read(long at, int length) {
        return client.orElseThrow().readable(at, length);
    }

    void assertHolds(int chunk, int value) {
        assertThat(read((long) chunk * CHUNK, CHUNK))
                .as("chunk %d", chunk)
                .hasValueSatisfying(found -> assertThat(found).containsOnly(value));
    }

    /** Where a disk has blocks that are full of a byte. */
    List<Long> places(int disk, int fill) {
        var found = new ArrayList<Long>();
        DiskImage image = disks.get(disk).contents();
        byte[] wanted = new byte[BLOCK];
        Arrays.fill(wanted, (byte) fill);
        for (long at = 0; at < image.capacity(); at += BLOCK) {
            if (Arrays.equals(image.read(at, BLOCK), wanted)) {
                found.add(at);
            }
        }
        return found;
    }

    /** How many blocks of a disk are full of each byte. */
    int[] blocks(int disk) {
        var count = new int[128];
        DiskImage image = disks.get(disk).contents();
        for (long at = 0; at < image.capacity(); at += BLOCK) {
            byte[] block = image.read(at, BLOCK);
            // Equal to itself, one byte on.
            if (block[0] > 0 && Arrays.equals(block, 0, BLOCK - 1, block, 1, BLOCK)) {
                count[block[0]]++;
            }
        }
        return count;
    }

    /** A block of a chunk that is full of a byte is not what it was any more. */
    void rot(int disk, int fill, int block) {
        disks.get(disk).contents().flip(places(disk, fill).get(block) + 77, 2);
    }

    MirrorStatus mirror() {
        return pool().mirrors().getFirst();
    }

    /** Until the drain that was begun has emptied its member. */
    void untilDrained() {
        for (int i = 0; i < 200_000; i++) {
            if (pool().drainStatus().state() == DrainStatus.State.DONE) {
                return;
            }
            home.step();
        }
        throw new AssertionError("the drain does not end: " + pool().drainStatus());
    }

    /** Until all disks are in sync and nothing is left to copy. */
    void untilSettled() {
        for (int i = 0; i < 100_000; i++) {
            if (mirror().isRedundant() && mirror().toCopyBytes() == 0) {
                return;
            }
            home.step();
        }
        throw new AssertionError("the mirror does not come together");
    }

    /** Lets the pool do what it does by itself. */
    void steps(int count) {
        for (int i = 0; i < count; i++) {
            home.step();
        }
    }

    @Override
    public void close() {
        disks.forEach(disk -> {
            disk.faults(_ -> DiskFault.NONE);
            disk.comeBack();
        });
        leave();
        home.close();
    }
}
