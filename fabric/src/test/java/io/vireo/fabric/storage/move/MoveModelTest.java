package io.vireo.fabric.storage.move;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.block.BlockPool;
import io.vireo.block.BlockVolume;
import io.vireo.block.VolumeFormat;
import io.vireo.block.VolumeSnapshot;
import io.vireo.fabric.storage.pool.AllocationLimit;
import io.vireo.fabric.storage.pool.CrashPools;
import io.vireo.fabric.storage.pool.PoolStatus;
import io.vireo.reactor.Reactor;
import io.vireo.resource.spec.VdiskSpec.Allocation;
import io.vireo.testkit.crash.DiskImage;
import io.vireo.testkit.crash.DiskLog;
import io.vireo.testkit.crash.SimulatedDisk;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A volume goes to and fro between two pools while a client uses it, with the snapshots that are
 * made of it meanwhile: with checksums, encrypted, thick and bounded, any three of them in every
 * combination. After each move all of it is what a model says, and takes no more room than before.
 * Replays with {@code -Dvireo.seed=N}.
 */
@Tag("endurance")
class MoveModelTest {
    private static final long DISK = Long.getLong("vireo.move.disk", 32 << 20);
    private static final int MOVES = 6;
    private static final String NAME = "vol";

    private final Reactor reactor = Reactor.stepped("move-model");
    private final DiskLog log = new DiskLog();
    private final Map<String, long[]> kept = new LinkedHashMap<>();
    private final Map<String, VolumeSnapshot> known = new LinkedHashMap<>();

    @AfterEach
    void close() {
        reactor.close();
    }

    private CrashPools pool(int number, long seed) {
        var image = new DiskImage(DISK);
        CrashPools.create(new SimulatedDisk(number, image, log, 1, true), reactor);
        var disk = new SimulatedDisk(number, image, log, seed, false);
        disk.logging(false);
        return new CrashPools(disk, reactor).withKeys();
    }

    @ParameterizedTest
    @CsvSource({
        "false, false, false, false",
        "false, false, true, true",
        "false, true, false, true",
        "false, true, true, false",
        "true, false, false, true",
        "true, false, true, false",
        "true, true, false, false",
        "true, true, true, true"
    })
    void isWhatItWasInTheOtherPool(
            boolean checksums, boolean encrypted, boolean thick, boolean bounded) {
        long seed = MoveCrashTest.seed();
        var random = new Random(seed);
        CrashPools[] pools = {pool(0, seed), pool(1, seed + 1)};
        BlockPool[] volumes = {
            new PoolOfVolumes(pools[0].pool()), new PoolOfVolumes(pools[1].pool())
        };
        var format = new VolumeFormat(MoveClient.SIZE, 512, 4096, encrypted, checksums);
        // Exactly what it can have: the copy must not count as well, nor what is written twice.
        var limit = new AllocationLimit(bounded ? MoveClient.SIZE : Long.MAX_VALUE);
        volumes[0].create(NAME, format);
        BlockVolume home = volumes[0].open(NAME, format);
        pools[0].pool().limit(NAME, limit);
        var client = new MoveClient(home.device(), reactor, log, seed);
        for (int move = 0; move < MOVES; move++) {
            int here = move % 2;
            int there = 1 - here;
            client.operate(10 + random.nextInt(40));
            if (random.nextInt(4) > 0) {
                snapshot(client, pools[here], volumes[here], "s" + move);
            }
            client.operate(random.nextInt(30));
            long before = used(pools[here]);
            boolean toThick = thick && there == 1;
            BlockVolume former = home;
            home = go(client, volumes[here], volumes[there], former, format, toThick);
            former.close();
            assertThat(pools[here].pool().volumes()).isEmpty();
            pools[there].pool().limit(NAME, limit);
            client.flush();
            client.settle();
            client.compare(home.device(), DiskLog.NEVER - 1, "move " + move);
            assertSnapshots(client, pools[there], volumes[there]);
            if (!thick) {
                // What the client wrote while it moved may have taken new chunks.
                assertThat(used(pools[there])).isLessThanOrEqualTo(before + 24);
            }
        }
        client.leave();
        client.close();
        home.close();
        for (CrashPools pool : pools) {
            assertThat(pool.pool().trouble()).isEmpty();
            pool.abandon();
        }
    }

    private void snapshot(MoveClient client, CrashPools pool, BlockPool volumes, String name) {
        client.settle();
        volumes.createSnapshot(NAME, name, Instant.ofEpochSecond(1000L * (kept.size() + 1)));
        known.put(name, volumes.snapshotsOf(NAME).getLast());
        BlockVolume opened = volumes.openSnapshot(name);
        kept.put(name, client.versions(pool.device(name), name));
        opened.close();
    }

    private void assertSnapshots(MoveClient client, CrashPools pool, BlockPool volumes) {
        assertThat(volumes.snapshotsOf(NAME)).containsExactlyElementsOf(known.values());
        kept.forEach((name, versions) -> {
            BlockVolume opened = volumes.openSnapshot(name);
            assertThat(client.versions(pool.device(name), name)).as(name).isEqualTo(versions);
            opened.close();
        });
    }

    /** Chunks that are in use, by whoever. */
    private static long used(CrashPools pool) {
        PoolStatus status = pool.pool().status();
        return status.total() - status.unused() - status.metadata();
    }

    private BlockVolume go(
            MoveClient client,
            BlockPool from,
            BlockPool to,
            BlockVolume former,
            VolumeFormat format,
            boolean thick) {
        var watched = new Watched();
        var site = new Site("there", thick ? Allocation.THICK : Allocation.THIN);
        client.goesOn(true);
        try (var copies = new SnapshotCopies(from, to, from.snapshotsOf(NAME), () -> false)) {
            assertThat(copies.capacity(MoveClient.SIZE)).isEqualTo(MoveClient.SIZE);
            BlockVolume copy = Volumes.makeCopy(to, NAME, site, format);
            copies.run(copy, NAME + Volumes.COPY);
            assertThat(copies.position()).isEqualTo(copies.total());
            MoveDevice device =
                    OnReactor.call(
                            reactor,
                            () ->
                                    new MoveDevice(
                                            former.device(),
                                            copy.device(),
                                            copies.base(),
                                            reactor,
                                            watched));
            client.goTo(device);
            OnReactor.tell(
                    reactor,
                    () -> {
                        device.mover().begin(0);
                        device.mover().mayHold();
                    });
            OnReactor.await(reactor, watched.held);
            client.goesOn(false);
            Volumes.switchTo(copy, former, NAME, false);
            OnReactor.tell(reactor, device.mover()::switched);
            client.goTo(copy.device());
            device.close();
            Volumes.clear(
                    new Whereabouts.Place(
                            Whereabouts.State.MOVED, new Site("here", Allocation.THIN), site),
                    from,
                    copy,
                    NAME);
            return copy;
        }
    }
}
