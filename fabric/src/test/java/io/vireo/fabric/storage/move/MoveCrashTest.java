package io.vireo.fabric.storage.move;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.block.BlockDevice;
import io.vireo.fabric.storage.pool.CrashPools;
import io.vireo.reactor.Reactor;
import io.vireo.testkit.crash.CrashPoint;
import io.vireo.testkit.crash.DiskImage;
import io.vireo.testkit.crash.DiskLog;
import io.vireo.testkit.crash.SimulatedDisk;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * A volume moves from a storage pool to another one, or to a file, while a client uses it, and the
 * power goes at any moment: then one of the two pools has the volume, the one that the rule says,
 * and it holds what was flushed last, or something later. Replays with {@code -Dvireo.seed=N}.
 */
@Tag("endurance")
class MoveCrashTest {
    private static final long DISK = 6 << 20;
    private static final String NAME = "vol";
    private static final String COPY = NAME + Volumes.COPY;

    private final Reactor reactor = Reactor.stepped("move-crash");

    /** Where a volume is moved to. */
    private interface Target {
        BlockDevice copy();

        /** Gives the copy the vDisk's name, durably; that alone, wherever it can be that alone. */
        void rename();

        void abandon();
    }

    private final class ToPool implements Target {
        private final CrashPools pool;
        private final BlockDevice copy;

        ToPool(SimulatedDisk disk) {
            pool = new CrashPools(disk, reactor);
            copy = pool.volume(COPY, MoveClient.SIZE);
        }

        @Override
        public BlockDevice copy() {
            return copy;
        }

        @Override
        public void rename() {
            pool.rename(COPY, NAME);
        }

        @Override
        public void abandon() {
            pool.abandon();
        }
    }

    /**
     * A file of a directory, whose pages a disk with a cache stands for. To rename it makes the
     * directory durable, and no byte of the file.
     */
    private record ToFile(SimulatedDisk copy) implements Target {
        @Override
        public void rename() {
            // It is when it is, see Run.becomeTarget.
        }

        @Override
        public void abandon() {
            // It holds nothing but the file.
        }
    }

    /** A run: its disks, what was done, and when. */
    private final class Run {
        final DiskLog log = new DiskLog();
        final boolean toFile;
        final List<DiskImage> start;
        final CrashPools from;
        final Target to;
        final Watched watched = new Watched();
        final MoveDevice move;
        final MoveClient client;
        final int made;
        int renameBegins = DiskLog.NEVER;
        int renameEnds = DiskLog.NEVER;

        Run(long seed, boolean toFile) {
            this.toFile = toFile;
            var image = formatted();
            var other = toFile ? new DiskImage(MoveClient.SIZE) : formatted();
            start = List.of(image.fork(), other.fork());
            from = new CrashPools(new SimulatedDisk(0, image, log, seed, false), reactor);
            var disk = new SimulatedDisk(1, other, log, seed + 1, false);
            to = toFile ? new ToFile(disk) : new ToPool(disk);
            BlockDevice source = from.volume(NAME, MoveClient.SIZE);
            made = log.tick();
            move =
                    OnReactor.call(
                            reactor, () -> new MoveDevice(source, to.copy(), reactor, watched));
            client = new MoveClient(move, reactor, log, seed);
        }

        private DiskImage formatted() {
            var image = new DiskImage(DISK);
            CrashPools.create(new SimulatedDisk(0, image, new DiskLog(), 1, true), reactor);
            return image;
        }

        void tell(Runnable task) {
            OnReactor.tell(reactor, task);
        }

        /** The step that decides: from then on the other pool has the volume. */
        void becomeTarget() {
            renameBegins = log.tick();
            to.rename();
            renameEnds = log.tick();
            tell(move.mover()::switched);
        }

        void end() {
            client.leave();
            var closed = new CompletableFuture<Boolean>();
            tell(() -> move.mover().close(() -> closed.complete(true)));
            OnReactor.await(reactor, closed);
            from.abandon();
            to.abandon();
        }

        /** The end at some moment: what the disks hold then is opened and compared. */
        void recover(List<DiskImage> images, int time, String where) {
            CrashPools source = reopen(images.get(0), 0);
            try {
                assertThat(source.has(NAME)).as(where).isTrue();
                if (toFile) {
                    var file = new SimulatedDisk(1, images.get(1), new DiskLog(), 1, true);
                    client.compare(time > renameEnds ? file : source.device(NAME), time, where);
                } else {
                    compareWithPool(source, images.get(1), time, where);
                }
            } finally {
                source.abandon();
            }
        }

        private void compareWithPool(CrashPools source, DiskImage image, int time, String where) {
            CrashPools target = reopen(image, 1);
            try {
                boolean switched = target.has(NAME);
                if (time > renameEnds) {
                    assertThat(switched).as(where).isTrue();
                } else if (time <= renameBegins) {
                    assertThat(switched).as(where).isFalse();
                }
                client.compare((switched ? target : source).device(NAME), time, where);
            } finally {
                target.abandon();
            }
        }

        private CrashPools reopen(DiskImage image, int number) {
            return CrashPools.reopen(
                    new SimulatedDisk(number, image, new DiskLog(), 1, true), reactor);
        }
    }

    @AfterEach
    void close() {
        reactor.close();
    }

    private Run run(long seed, boolean toFile, boolean takenBack) {
        var run = new Run(seed, toFile);
        run.client.operate(40);
        run.tell(() -> run.move.mover().begin(0));
        run.client.operate(40);
        run.tell(run.move.mover()::mayHold);
        int more = 0;
        while (!run.watched.held.isDone()) {
            assertThat(run.watched.failed).isNotDone();
            if (!run.client.isFull() && more++ < 60) {
                run.client.operate(1);
            } else {
                reactor.step();
            }
        }
        if (takenBack) {
            run.tell(run.move.mover()::stop);
        } else {
            run.becomeTarget();
        }
        run.client.operate(40);
        run.end();
        return run;
    }

    private static void explore(Run run, long seed, String what) {
        var random = new Random(seed);
        int images = 0;
        var point = new CrashPoint(run.log, run.start);
        while (true) {
            boolean near =
                    point.time() >= run.renameBegins - 60 && point.time() <= run.renameEnds + 60;
            if (point.time() > run.made && (near || random.nextInt(9) == 0)) {
                String where = "seed %d, time %d".formatted(seed, point.time());
                run.recover(point.prefix(), point.time(), where + ", prefix");
                images++;
                for (int i = near ? 3 : 1; i > 0; i--) {
                    run.recover(point.image(point.drawn(random)), point.time(), where + ", drawn");
                    images++;
                }
            }
            if (point.isAtEnd()) {
                break;
            }
            point.advance();
        }
        run.client.close();
        System.out.printf("%s: %d crash images%n", what, images);
        assertThat(images).isGreaterThan(40);
    }

    static long seed() {
        long seed = Long.getLong("vireo.seed", System.nanoTime());
        System.out.println("vireo.seed=" + seed);
        return seed;
    }

    @Test
    void onePoolHasTheVolumeWhateverHappens() {
        long seed = seed();
        for (int i = 0; i < 3; i++) {
            explore(run(seed + i, false, false), seed + i, "a move");
        }
    }

    /** Nothing but the flush before it makes what was copied durable. */
    @Test
    void aFileHasTheVolumeOnlyWhenItIsWhole() {
        long seed = seed();
        for (int i = 0; i < 3; i++) {
            explore(run(seed + i, true, false), seed + i, "a move to a file");
        }
    }

    @Test
    void theSourceHasItIfTheMoveIsTakenBack() {
        long seed = seed();
        explore(run(seed, false, true), seed, "a move that is taken back");
    }
}
