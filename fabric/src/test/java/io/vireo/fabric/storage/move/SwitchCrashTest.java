package io.vireo.fabric.storage.move;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockPool;
import io.vireo.block.BlockVolume;
import io.vireo.block.VolumeFormat;
import io.vireo.fabric.storage.move.Whereabouts.Place;
import io.vireo.fabric.storage.move.Whereabouts.State;
import io.vireo.fabric.storage.pool.CrashPools;
import io.vireo.fabric.storage.pool.VolumeInfo;
import io.vireo.reactor.Reactor;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.ResourceException;
import io.vireo.resource.spec.VdiskSpec.Allocation;
import io.vireo.testkit.crash.CrashPoint;
import io.vireo.testkit.crash.DiskImage;
import io.vireo.testkit.crash.DiskLog;
import io.vireo.testkit.crash.SimulatedDisk;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A volume becomes thick in its pool while a client uses it: a copy gets its name after it has lost
 * that, which is two steps, and the daemon's record says which of both to believe. The power goes
 * at any moment of that, and of what follows an attempt whose end is not known, and again while it
 * is found out. Replays with {@code -Dvireo.seed=N}.
 */
@Tag("endurance")
class SwitchCrashTest {
    private static final long DISK = 6 << 20;
    private static final String NAME = "vol";
    private static final VolumeFormat FORMAT = new VolumeFormat(MoveClient.SIZE, 512, 4096);
    private static final Site THIN = new Site("pool", Allocation.THIN);
    private static final Site THICK = new Site("pool", Allocation.THICK);

    /** What the step does that gives a volume another name. */
    enum Rename {
        WORKS,
        FAILS,
        /** It works, and whoever asked for it is told that it failed. */
        IS_UNKNOWN
    }

    /** How the two of them go. */
    enum Switch {
        WORKS(Rename.WORKS, Rename.WORKS),
        CANNOT_BEGIN(Rename.FAILS, Rename.WORKS),
        MAY_HAVE_BEGUN(Rename.IS_UNKNOWN, Rename.WORKS),
        CANNOT_END(Rename.WORKS, Rename.FAILS),
        MAY_HAVE_ENDED(Rename.WORKS, Rename.IS_UNKNOWN);

        final Rename ofFormer;
        final Rename ofCopy;

        Switch(Rename ofFormer, Rename ofCopy) {
            this.ofFormer = ofFormer;
            this.ofCopy = ofCopy;
        }
    }

    private record Doubtful(BlockVolume volume, Rename how) implements BlockVolume {
        @Override
        public BlockDevice device() {
            return volume.device();
        }

        @Override
        public void grow(long capacity) {
            volume.grow(capacity);
        }

        @Override
        public void rename(String newName) {
            if (how != Rename.FAILS) {
                volume.rename(newName);
            }
            if (how != Rename.WORKS) {
                throw new ResourceException(ErrorCode.UNAVAILABLE, "nobody knows");
            }
        }

        @Override
        public String trouble() {
            return volume.trouble();
        }

        @Override
        public void close() {
            volume.close();
        }
    }

    private final Reactor reactor = Reactor.stepped("switch-crash");
    private int images;

    @AfterEach
    void close() {
        reactor.close();
    }

    private void tell(Runnable task) {
        OnReactor.tell(reactor, task);
    }

    private final class Run {
        final DiskLog log = new DiskLog();
        final DiskImage start;
        final CrashPools pools;
        final BlockPool pool;
        final Records records = new Records(log, THIN, THICK);
        final Watched watched = new Watched();
        final BlockVolume former;
        final MoveDevice move;
        final MoveClient client;
        final BlockVolume copy;
        int switching;

        Run(long seed) {
            var image = new DiskImage(DISK);
            var formatting = new SimulatedDisk(0, image, new DiskLog(), 1, true);
            CrashPools.create(formatting, reactor);
            var made = new CrashPools(formatting, reactor);
            made.volume(NAME, MoveClient.SIZE);
            made.abandon();
            start = image.fork();
            pools = new CrashPools(new SimulatedDisk(0, image, log, seed, false), reactor);
            pool = new PoolOfVolumes(pools.pool());
            former = pool.open(NAME, FORMAT);
            records.write(State.COPYING);
            copy = Volumes.makeCopy(pool, NAME, THICK, FORMAT);
            move =
                    OnReactor.call(
                            reactor,
                            () -> new MoveDevice(former.device(), copy.device(), reactor, watched));
            client = new MoveClient(move, reactor, log, seed);
        }

        /** As {@link Relocation} does it. */
        void go(Switch how) {
            client.operate(40);
            tell(() -> move.mover().begin(0));
            client.operate(30);
            switching = log.tick();
            records.write(State.SWITCHING);
            tell(move.mover()::mayHold);
            OnReactor.await(reactor, watched.held);
            boolean switched = becomesTarget(how);
            client.operate(20);
            client.flush();
            BlockVolume home = switched ? copy : former;
            client.goTo(home.device());
            var closed = new CompletableFuture<Boolean>();
            tell(() -> move.mover().close(() -> closed.complete(true)));
            OnReactor.await(reactor, closed);
            if (switched) {
                records.write(State.MOVED);
            }
            client.operate(10);
            client.settle();
            Volumes.clear(records.at(DiskLog.NEVER), pool, home, NAME);
            records.write(Place.at(switched ? THICK : THIN));
            client.operate(20);
            client.flush();
            client.leave();
            pools.abandon();
        }

        private boolean becomesTarget(Switch how) {
            try {
                Volumes.switchTo(
                        new Doubtful(copy, how.ofCopy),
                        new Doubtful(former, how.ofFormer),
                        NAME,
                        true);
            } catch (ResourceException e) {
                records.write(State.ABANDONED);
                tell(move.mover()::stop);
                return false;
            }
            tell(move.mover()::switched);
            return true;
        }

        /** The next daemon finds this, and is where the vDisk is. */
        void recover(List<DiskImage> image, Place found, int time, String where, int deep) {
            images++;
            var after = new DiskLog();
            var disk = new SimulatedDisk(0, image.getFirst().fork(), after, time, deep == 0);
            var record = new Records(after, found, THIN, THICK);
            CrashPools opened = CrashPools.reopen(disk, reactor);
            try {
                BlockPool there = new PoolOfVolumes(opened.pool());
                Place place = found;
                if (place.isOpen()) {
                    place = Volumes.settled(place, there, there, NAME, FORMAT);
                    record.write(place);
                }
                assertThat(there.exists(NAME)).as(where).isTrue();
                client.compare(opened.device(NAME), time, where);
                Volumes.clear(place, there, there.open(NAME, FORMAT), NAME);
                record.write(Place.at(place.state() == State.MOVED ? place.to() : place.from()));
                assertThat(opened.pool().volumes().stream().map(VolumeInfo::name).toList())
                        .as(where)
                        .containsExactly(NAME);
                client.compare(opened.device(NAME), time, where);
            } finally {
                opened.abandon();
            }
            if (deep > 0) {
                crashAgain(image, after, record, time, where, deep);
            }
        }

        private void crashAgain(
                List<DiskImage> image,
                DiskLog after,
                Records record,
                int time,
                String where,
                int deep) {
            var random = new Random(time);
            var point = new CrashPoint(after, image);
            while (true) {
                String again = "%s, time %d of recovery".formatted(where, point.time());
                Place found = record.at(point.time());
                recover(point.image(point.drawn(random)), found, time, again, deep - 1);
                if (point.isAtEnd()) {
                    return;
                }
                point.advance();
            }
        }

        void explore(long seed) {
            var random = new Random(seed);
            var point = new CrashPoint(log, List.of(start));
            while (true) {
                if (point.time() > switching || random.nextInt(9) == 0) {
                    String where = "seed %d, time %d".formatted(seed, point.time());
                    Place found = records.at(point.time());
                    recover(point.prefix(), found, point.time(), where + ", prefix", 0);
                    int deep = random.nextInt(25) == 0 ? 1 : 0;
                    recover(
                            point.image(point.drawn(random)),
                            found,
                            point.time(),
                            where + ", drawn",
                            deep);
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
    void theVdiskIsWhatItWasWhateverHappens(Switch how) {
        long seed = MoveCrashTest.seed();
        var run = new Run(seed);
        run.go(how);
        run.explore(seed);
        run.client.close();
        System.out.printf("a switch that %s: %d crash images%n", how, images);
        assertThat(images).isGreaterThan(100);
    }
}
