package io.vireo.fabric.storage.move;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vireo.block.BlockPool;
import io.vireo.block.BlockVolume;
import io.vireo.block.VolumeFormat;
import io.vireo.block.VolumeSnapshot;
import io.vireo.fabric.storage.move.Whereabouts.Place;
import io.vireo.fabric.storage.move.Whereabouts.State;
import io.vireo.fabric.storage.pool.CrashPools;
import io.vireo.fabric.storage.pool.VolumeInfo;
import io.vireo.reactor.Reactor;
import io.vireo.resource.spec.VdiskSpec.Allocation;
import io.vireo.testkit.crash.CrashPoint;
import io.vireo.testkit.crash.DiskImage;
import io.vireo.testkit.crash.DiskLog;
import io.vireo.testkit.crash.SimulatedDisk;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A volume moves to another pool with its snapshots while a client uses it, and the power goes at
 * any moment: then the volume and all of its snapshots are in one pool, the one that the rule says,
 * the snapshots as they were, and the next daemon finds nothing in the other one that it does not
 * clear away. Replays with {@code -Dvireo.seed=N}.
 */
@Tag("endurance")
class SnapshotMoveCrashTest {
    private static final long DISK = 6 << 20;
    private static final String NAME = "vol";
    private static final String COPY = NAME + Volumes.COPY;
    private static final Site HERE = new Site("here", Allocation.THIN);
    private static final Site THERE = new Site("there", Allocation.THIN);

    /** How the move ends. */
    enum End {
        THERE,
        /** It is taken back while snapshots are copied. */
        TAKEN_BACK,
        /** The copy got the name, and whoever asked for that was told that it failed. */
        ABANDONED
    }

    /** A snapshot, and the versions of blocks that it holds. */
    private record Kept(VolumeSnapshot snapshot, long[] versions) {}

    private final Reactor reactor = Reactor.stepped("snapshot-move");
    private int images;

    @AfterEach
    void close() {
        reactor.close();
    }

    private static VolumeFormat format(long capacity) {
        return new VolumeFormat(capacity, 512, 4096);
    }

    private final class Run {
        final DiskLog log = new DiskLog();
        final List<DiskImage> start;
        final CrashPools here;
        final CrashPools there;
        final BlockPool from;
        final BlockPool to;
        final Records records = new Records(log, HERE, THERE);
        final Watched watched = new Watched();
        final BlockVolume former;
        final MoveClient client;
        final List<Kept> kept = new ArrayList<>();
        int made;
        int switching = DiskLog.NEVER;

        Run(long seed) {
            List<DiskImage> disks = List.of(formatted(), formatted());
            start = disks.stream().map(DiskImage::fork).toList();
            here = new CrashPools(new SimulatedDisk(0, disks.get(0), log, seed, false), reactor);
            there = new CrashPools(new SimulatedDisk(1, disks.get(1), log, seed, false), reactor);
            from = new PoolOfVolumes(here.pool());
            to = new PoolOfVolumes(there.pool());
            from.create(NAME, format(MoveClient.SIZE));
            former = from.open(NAME, format(MoveClient.SIZE));
            client = new MoveClient(former.device(), reactor, log, seed);
        }

        private DiskImage formatted() {
            var image = new DiskImage(DISK);
            CrashPools.create(new SimulatedDisk(0, image, new DiskLog(), 1, true), reactor);
            return image;
        }

        private void snapshot(int number) {
            client.settle();
            String name = "s" + number;
            from.createSnapshot(NAME, name, Instant.ofEpochSecond(1_000_000L * number));
            kept.add(
                    new Kept(
                            from.snapshotsOf(NAME).getLast(),
                            client.versions(here.device(name), name)));
        }

        /** As {@link Relocation} does it. */
        void go(End end) {
            for (int i = 1; i <= 3; i++) {
                client.operate(25);
                snapshot(i);
            }
            client.operate(15);
            made = log.tick();
            records.write(State.COPYING);
            client.goesOn(true);
            var looks = new int[1];
            try (var copies =
                    new SnapshotCopies(
                            from,
                            to,
                            from.snapshotsOf(NAME),
                            () -> end == End.TAKEN_BACK && ++looks[0] > 2)) {
                VolumeFormat first = format(copies.capacity(MoveClient.SIZE));
                BlockVolume copy = Volumes.makeCopy(to, NAME, THERE, first);
                if (end == End.TAKEN_BACK) {
                    assertThatThrownBy(() -> copies.run(copy, COPY))
                            .isInstanceOf(WithdrawnException.class);
                    finish(former, Place.at(HERE));
                } else {
                    copies.run(copy, COPY);
                    goOn(copy, copies, end);
                }
            }
            client.operate(10);
            client.leave();
            here.abandon();
            there.abandon();
        }

        private void goOn(BlockVolume copy, SnapshotCopies copies, End end) {
            MoveDevice move =
                    OnReactor.call(
                            reactor,
                            () ->
                                    new MoveDevice(
                                            former.device(),
                                            copy.device(),
                                            copies.base(),
                                            reactor,
                                            watched));
            client.goTo(move);
            client.goesOn(false);
            OnReactor.tell(reactor, () -> move.mover().begin(0));
            client.operate(20);
            switching = log.tick();
            records.write(State.SWITCHING);
            OnReactor.tell(reactor, move.mover()::mayHold);
            OnReactor.await(reactor, watched.held);
            Volumes.switchTo(copy, former, NAME, false);
            if (end == End.THERE) {
                OnReactor.tell(reactor, move.mover()::switched);
            } else {
                records.write(State.ABANDONED);
                OnReactor.tell(reactor, move.mover()::stop);
            }
            client.operate(15);
            client.flush();
            BlockVolume home = end == End.THERE ? copy : former;
            client.goTo(home.device());
            move.close();
            if (end == End.THERE) {
                records.write(State.MOVED);
            }
            client.operate(10);
            finish(home, Place.at(end == End.THERE ? THERE : HERE));
        }

        private void finish(BlockVolume home, Place at) {
            client.goesOn(false);
            client.settle();
            Place place = records.at(DiskLog.NEVER);
            Volumes.clear(place, place.state() == State.MOVED ? from : to, home, NAME);
            records.write(at);
        }

        void recover(List<DiskImage> image, Place found, int time, String where, boolean again) {
            images++;
            var after = new DiskLog();
            var record = new Records(after, found, HERE, THERE);
            var opened = new ArrayList<CrashPools>();
            try {
                for (int i = 0; i < 2; i++) {
                    var disk = new SimulatedDisk(i, image.get(i).fork(), after, time, !again);
                    opened.add(CrashPools.reopen(disk, reactor));
                }
                settle(opened, found, record, time, where);
            } finally {
                opened.forEach(CrashPools::abandon);
            }
            if (again) {
                crashAgain(image, after, record, time, where);
            }
        }

        private void settle(
                List<CrashPools> opened, Place found, Records record, int time, String where) {
            BlockPool a = new PoolOfVolumes(opened.get(0).pool());
            BlockPool b = new PoolOfVolumes(opened.get(1).pool());
            Place place = found;
            if (place.isOpen()) {
                place = Volumes.settled(place, a, b, NAME, format(MoveClient.SIZE));
                record.write(place);
            }
            boolean moved = place.state() == State.MOVED || place.equals(Place.at(THERE));
            CrashPools home = opened.get(moved ? 1 : 0);
            assertHome(home, moved ? b : a, time, where);
            Volumes.clear(
                    place,
                    moved ? a : b,
                    (moved ? b : a).open(NAME, format(MoveClient.SIZE)),
                    NAME);
            record.write(Place.at(moved ? THERE : HERE));
            assertHome(home, moved ? b : a, time, where);
            assertThat(opened.get(moved ? 0 : 1).pool().volumes()).as(where).isEmpty();
            assertThat(home.pool().volumes().stream().map(VolumeInfo::name).toList())
                    .as(where)
                    .containsExactlyInAnyOrder(NAME, "s1", "s2", "s3");
        }

        private void assertHome(CrashPools home, BlockPool pool, int time, String where) {
            assertThat(pool.exists(NAME)).as(where).isTrue();
            client.compare(home.device(NAME), time, where);
            assertThat(pool.snapshotsOf(NAME))
                    .as(where)
                    .isEqualTo(kept.stream().map(Kept::snapshot).toList());
            for (Kept each : kept) {
                String name = each.snapshot.name();
                assertThat(client.versions(home.device(name), where))
                        .as(where + ", " + name)
                        .isEqualTo(each.versions);
            }
        }

        private void crashAgain(
                List<DiskImage> image, DiskLog after, Records record, int time, String where) {
            var random = new Random(time);
            var point = new CrashPoint(after, image);
            while (true) {
                if (random.nextInt(4) == 0 || point.isAtEnd()) {
                    String again = "%s, time %d of recovery".formatted(where, point.time());
                    Place found = record.at(point.time());
                    recover(point.image(point.drawn(random)), found, time, again, false);
                }
                if (point.isAtEnd()) {
                    return;
                }
                point.advance();
            }
        }

        /** At one of so many points, and more after the switch. */
        void explore(long seed, int every) {
            var random = new Random(seed);
            var point = new CrashPoint(log, start);
            while (true) {
                boolean late = point.time() > switching;
                if (point.time() > made && random.nextInt(late ? 2 : every) == 0) {
                    String where = "seed %d, time %d".formatted(seed, point.time());
                    Place found = records.at(point.time());
                    recover(point.prefix(), found, point.time(), where + ", prefix", false);
                    recover(
                            point.image(point.drawn(random)),
                            found,
                            point.time(),
                            where + ", drawn",
                            random.nextInt(30) == 0);
                }
                if (point.isAtEnd()) {
                    return;
                }
                point.advance();
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void snapshotsAreWhereTheirVolumeIs(End end) {
        long seed = MoveCrashTest.seed();
        var run = new Run(seed);
        run.go(end);
        run.explore(seed, end == End.TAKEN_BACK ? 2 : 8);
        run.client.close();
        System.out.printf("a move with snapshots, %s: %d crash images%n", end, images);
        assertThat(images).isGreaterThan(100);
    }
}
