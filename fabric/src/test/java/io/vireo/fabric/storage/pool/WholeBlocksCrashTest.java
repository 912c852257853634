package io.vireo.fabric.storage.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockStatus;
import io.vireo.block.VolumeFormat;
import io.vireo.reactor.Reactor;
import io.vireo.testkit.crash.CrashPoint;
import io.vireo.testkit.crash.DiskImage;
import io.vireo.testkit.crash.DiskLog;
import io.vireo.testkit.crash.SimulatedDisk;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Power is cut while blocks of 4 KiB are overwritten, and what was under way is torn at the disks'
 * sectors: where a volume says that it keeps blocks whole, each is as it was or as it was written.
 * Replays with {@code -Dvireo.seed=N}.
 */
class WholeBlocksCrashTest {
    private static final int BLOCK = 4096;
    private static final int BLOCKS = 64;
    private static final int WRITES = 24;
    private static final int TORN_AT_EACH_POINT = 4;
    private static final long DISK = 6 << 20;
    private static final String VOLUME = "v";

    /** What writes of the volume go through. */
    enum Kind {
        IN_PLACE,
        /** All chunks are shared with a snapshot, and written elsewhere. */
        SHARED,
        /** No chunk is mapped before. */
        FRESH,
        CHECKSUMMED,
        ENCRYPTED,
        MIRRORED;

        VolumeFormat format() {
            boolean encrypted = this == ENCRYPTED;
            return new VolumeFormat(BLOCKS * BLOCK, BLOCK, BLOCK, encrypted, this == CHECKSUMMED);
        }

        int disks() {
            return this == MIRRORED ? 2 : 1;
        }
    }

    /**
     * What was found on all crash images.
     *
     * @param promised whether the volume said that it keeps its blocks whole
     */
    private record Findings(boolean promised, int images, int torn) {}

    @ParameterizedTest
    @EnumSource
    void sectorsOfFourKibLeaveBlocksWhole(Kind kind) {
        var findings = explore(kind, BLOCK);
        assertThat(findings.promised).isTrue();
        assertThat(findings.images).isGreaterThan(WRITES);
        assertThat(findings.torn).isZero();
    }

    @Test
    void smallerSectorsAreNotPromisedToLeaveThemWhole() {
        var findings = explore(Kind.IN_PLACE, 512);
        assertThat(findings.promised).isFalse();
        assertThat(findings.torn).isPositive();
    }

    @Test
    void theDiskWithTheSmallestSectorsCounts() {
        var reactor = Reactor.stepped("whole-blocks");
        var disks = disks(empty(2), new DiskLog(), 1, true, BLOCK);
        disks.getLast().physicalBlock(512);
        StoragePool.create(PoolStore.CONFIG.withCopies(2), List.copyOf(disks), reactor);
        StoragePool pool = open(disks, Kind.MIRRORED, reactor);
        pool.createVolume(VOLUME, Kind.MIRRORED.format());
        assertThat(pool.device(VOLUME).geometry().keepsBlocksWhole()).isFalse();
        pool.close();
        reactor.close();
    }

    @Test
    void aMemberWithSmallerSectorsTakesThePromiseBack() {
        var reactor = Reactor.stepped("whole-blocks");
        var disks = disks(empty(2), new DiskLog(), 1, true, BLOCK);
        disks.getLast().physicalBlock(512);
        StoragePool.create(PoolStore.CONFIG, List.of(disks.getFirst()), reactor);
        StoragePool pool = open(disks.subList(0, 1), Kind.IN_PLACE, reactor);
        pool.createVolume(VOLUME, Kind.IN_PLACE.format());
        BlockDevice volume = pool.device(VOLUME);
        var told = new ArrayList<Boolean>();
        volume.addGeometryListener(() -> told.add(volume.geometry().keepsBlocksWhole()));
        assertThat(volume.geometry().keepsBlocksWhole()).isTrue();
        pool.addMember(disks.getLast(), true);
        assertThat(told).containsExactly(false);
        pool.drain(disks.getLast(), 0);
        while (pool.uses(disks.getLast())) {
            reactor.step();
        }
        assertThat(told).containsExactly(false, true);
        pool.close();
        reactor.close();
    }

    private static Findings explore(Kind kind, int sector) {
        long seed = CrashBed.seed();
        var random = new Random(seed);
        List<DiskImage> start = prepared(kind, sector);
        var log = new DiskLog();
        boolean promised = overwrite(disks(start, log, seed, false, sector), kind, random);
        var point = new CrashPoint(log, start);
        int images = 0;
        int torn = 0;
        while (!point.isAtEnd()) {
            if (point.isBeforeCompletion()) {
                for (int i = 0; i < TORN_AT_EACH_POINT; i++) {
                    var image = point.image(point.drawnTorn(random));
                    torn += tornBlocks(disks(image, new DiskLog(), seed, true, sector), kind);
                    images++;
                }
            }
            point.advance();
        }
        return new Findings(promised, images, torn);
    }

    /** Disks with a volume as it is before anything is overwritten. */
    private static List<DiskImage> prepared(Kind kind, int sector) {
        var reactor = Reactor.stepped("whole-blocks");
        var disks = disks(empty(kind.disks()), new DiskLog(), 1, true, sector);
        StoragePool.create(PoolStore.CONFIG.withCopies(kind.disks()), List.copyOf(disks), reactor);
        StoragePool pool = open(disks, kind, reactor);
        pool.createVolume(VOLUME, kind.format());
        if (kind != Kind.FRESH) {
            var client = client(pool, kind, reactor);
            byte[] data = new byte[BLOCKS * BLOCK];
            Arrays.fill(data, (byte) 1);
            assertThat(client.await(client.write(0, data, true))).isEqualTo(BlockStatus.OK);
            client.close();
        }
        if (kind == Kind.SHARED) {
            pool.snapshot(VOLUME, "s");
        }
        pool.close();
        reactor.close();
        return disks.stream().map(SimulatedDisk::contents).toList();
    }

    /** Writes some blocks at once, and flushes now and then; whether they are kept whole. */
    private static boolean overwrite(List<SimulatedDisk> disks, Kind kind, Random random) {
        var reactor = Reactor.stepped("whole-blocks");
        StoragePool pool = open(disks, kind, reactor);
        var client = client(pool, kind, reactor);
        var writes = new ArrayList<CompletableFuture<BlockStatus>>();
        for (int i = 0; i < WRITES; i++) {
            int blocks = 1 + random.nextInt(6);
            byte[] data = new byte[blocks * BLOCK];
            Arrays.fill(data, (byte) (2 + i));
            long at = (long) random.nextInt(BLOCKS - blocks + 1) * BLOCK;
            writes.add(client.write(at, data, random.nextInt(6) == 0));
            if (random.nextInt(5) == 0) {
                writes.add(client.start(BlockOperation.FLUSH, 0, 0, _ -> {}));
            }
            if (writes.size() > 4) {
                writes.forEach(write -> assertThat(client.await(write)).isEqualTo(BlockStatus.OK));
                writes.clear();
            }
        }
        boolean promised = pool.device(VOLUME).geometry().keepsBlocksWhole();
        client.close();
        disks.forEach(SimulatedDisk::vanish);
        pool.abandon();
        reactor.close();
        return promised;
    }

    /** Blocks that have bytes of two writes. */
    private static int tornBlocks(List<SimulatedDisk> disks, Kind kind) {
        var reactor = Reactor.stepped("whole-blocks");
        StoragePool pool = open(disks, kind, reactor);
        var client = client(pool, kind, reactor);
        byte[] data = client.read(0, BLOCKS * BLOCK);
        int torn = 0;
        for (int block = 0; block < BLOCKS; block++) {
            for (int i = 1; i < BLOCK; i++) {
                if (data[block * BLOCK + i] != data[block * BLOCK]) {
                    torn++;
                    break;
                }
            }
        }
        client.close();
        pool.abandon();
        reactor.close();
        return torn;
    }

    private static StoragePool open(List<SimulatedDisk> disks, Kind kind, Reactor reactor) {
        StoragePool pool = StoragePool.open(List.copyOf(disks), reactor, PoolStore.OPTIONS);
        if (kind == Kind.ENCRYPTED) {
            pool.keys(new TestKeys(1));
        }
        return pool;
    }

    private static SteppedClient client(StoragePool pool, Kind kind, Reactor reactor) {
        if (kind == Kind.ENCRYPTED) {
            pool.unlock(VOLUME);
        }
        return new SteppedClient(pool.device(VOLUME), reactor);
    }

    private static List<DiskImage> empty(int count) {
        var images = new ArrayList<DiskImage>();
        for (int i = 0; i < count; i++) {
            images.add(new DiskImage(DISK));
        }
        return images;
    }

    private static List<SimulatedDisk> disks(
            List<DiskImage> images, DiskLog log, long seed, boolean calm, int sector) {
        var disks = new ArrayList<SimulatedDisk>();
        for (int i = 0; i < images.size(); i++) {
            var disk = new SimulatedDisk(i, images.get(i).fork(), log, seed, calm);
            disk.physicalBlock(sector);
            disks.add(disk);
        }
        return disks;
    }
}
