package io.vireo.fabric.storage.move;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.block.BlockChannel;
import io.vireo.block.BlockDevice;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import io.vireo.fabric.storage.pool.CrashPools;
import io.vireo.memory.NativeMemory;
import io.vireo.memory.OwnMemory;
import io.vireo.reactor.Poller;
import io.vireo.reactor.Reactor;
import io.vireo.reactor.Registration;
import io.vireo.testkit.crash.CrashPoint;
import io.vireo.testkit.crash.DiskImage;
import io.vireo.testkit.crash.DiskLog;
import io.vireo.testkit.crash.SimulatedDisk;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * A volume moves from one pool to another while a client uses it, and the power goes at any moment:
 * then one of the two pools has the volume, the one that the rule says, and it holds what was
 * flushed last, or something later. Replays with {@code -Dvireo.seed=N}.
 */
@Tag("endurance")
class MoveCrashTest {
    private static final long DISK = 6 << 20;
    private static final int BLOCK = 4096;
    private static final int BLOCKS = 96;
    private static final int OUTSTANDING = 6;
    private static final String COPY = "vol" + Volumes.COPY;

    private final Reactor reactor = Reactor.stepped("move-crash");
    private final OwnMemory memory = OwnMemory.allocate((OUTSTANDING + 1) * BLOCK);

    /** What became of a block: when it was asked for, and when it was done. */
    private static final class Version {
        final long number;
        final int submitted;
        final boolean durable;

        /** It may be there or not, whenever. */
        final boolean discard;

        int completed = DiskLog.NEVER;

        Version(long number, int submitted, boolean durable, boolean discard) {
            this.number = number;
            this.submitted = submitted;
            this.durable = durable;
            this.discard = discard;
        }
    }

    private record Flush(int submitted, int completed) {}

    /** A run: its disks, what was done, and when. */
    private final class Run implements Poller {
        final DiskLog log = new DiskLog();
        final List<DiskImage> start = new ArrayList<>();
        final List<SimulatedDisk> disks = new ArrayList<>();
        final List<List<Version>> history = new ArrayList<>();
        final List<Flush> flushes = new ArrayList<>();
        final Random random;
        final boolean[] busy = new boolean[BLOCKS];
        final List<Integer> slots = new ArrayList<>();
        final CrashPools from;
        final CrashPools to;
        final Watched watched = new Watched();
        final MoveDevice move;
        final BlockChannel channel;
        final Registration registration;
        final int made;
        int renameBegins = DiskLog.NEVER;
        int renameEnds = DiskLog.NEVER;
        int outstanding;
        long versions;

        Run(long seed) {
            random = new Random(seed);
            var scratch = new DiskLog();
            for (int i = 0; i < 2; i++) {
                var image = new DiskImage(DISK);
                CrashPools.create(new SimulatedDisk(i, image, scratch, seed, true), reactor);
                start.add(image.fork());
                disks.add(new SimulatedDisk(i, image, log, seed + i, false));
            }
            for (int i = 0; i < BLOCKS; i++) {
                history.add(new ArrayList<>(List.of(new Version(0, -1, true, false))));
            }
            for (int i = 0; i < OUTSTANDING; i++) {
                slots.add(i);
            }
            from = new CrashPools(disks.get(0), reactor);
            to = new CrashPools(disks.get(1), reactor);
            BlockDevice source = from.volume("vol", BLOCKS * BLOCK);
            BlockDevice target = to.volume(COPY, BLOCKS * BLOCK);
            made = log.tick();
            move = on(() -> new MoveDevice(source, target, reactor, watched));
            channel = on(() -> move.open(reactor));
            registration = on(() -> reactor.add(this));
            on(() -> {
                channel.onReady(registration::wake);
                return true;
            });
        }

        @Override
        public int poll() {
            return channel.poll();
        }

        @Override
        public String name() {
            return "client";
        }

        /** One request more, when there is room for one. */
        void operate() {
            while (outstanding == OUTSTANDING) {
                reactor.step();
            }
            int kind = random.nextInt(20);
            if (kind == 0) {
                flush();
            } else {
                int block = random.nextInt(BLOCKS);
                if (!busy[block]) {
                    change(block, kind);
                }
            }
            for (int i = random.nextInt(12); i > 0; i--) {
                reactor.step();
            }
        }

        private void flush() {
            int at = log.tick();
            start(
                    new BlockRequest(
                                    0,
                                    ended -> {
                                        outstanding--;
                                        assertThat(ended.status()).isEqualTo(BlockStatus.OK);
                                        flushes.add(new Flush(at, log.tick()));
                                    })
                            .prepare(BlockOperation.FLUSH, 0, 0));
        }

        private void change(int block, int kind) {
            boolean zero = kind == 1 || kind == 2;
            boolean durable = kind == 3 || kind == 1;
            busy[block] = true;
            int slot = slots.removeLast();
            var version = new Version(zero ? 0 : ++versions, log.tick(), durable, kind == 2);
            history.get(block).add(version);
            var request =
                    new BlockRequest(
                                    block,
                                    ended -> {
                                        outstanding--;
                                        assertThat(ended.status()).isEqualTo(BlockStatus.OK);
                                        version.completed = log.tick();
                                        busy[block] = false;
                                        slots.add(slot);
                                    })
                            .prepare(
                                    kind == 1
                                            ? BlockOperation.WRITE_ZEROES
                                            : zero ? BlockOperation.DISCARD : BlockOperation.WRITE,
                                    (long) block * BLOCK,
                                    BLOCK)
                            .forceUnitAccess(durable);
            if (!zero) {
                long address = memory.address() + (long) slot * BLOCK;
                fill(slot * BLOCK, block, version.number);
                request.data().add(address, BLOCK);
            }
            start(request);
        }

        private void start(BlockRequest request) {
            outstanding++;
            reactor.execute(() -> channel.submit(request));
        }

        private void fill(int at, long block, long number) {
            for (int i = 0; i < BLOCK; i += 16) {
                NativeMemory.putLong(memory.address() + at + i, block + 1);
                NativeMemory.putLong(memory.address() + at + i + 8, number);
            }
        }

        /** The step that decides: from then on the other pool has the volume. */
        void becomeTarget() {
            renameBegins = log.tick();
            to.rename(COPY, "vol");
            renameEnds = log.tick();
            on(() -> {
                move.mover().switched();
                return true;
            });
        }

        void end() {
            while (outstanding > 0) {
                reactor.step();
            }
            var closed = new CompletableFuture<Boolean>();
            on(() -> {
                channel.close(() -> move.mover().close(() -> closed.complete(true)));
                return true;
            });
            await(closed);
            on(() -> {
                registration.close();
                return true;
            });
            from.abandon();
            to.abandon();
        }
    }

    @AfterEach
    void close() {
        memory.close();
        reactor.close();
    }

    private <T> T on(java.util.function.Supplier<T> task) {
        var done = new CompletableFuture<T>();
        reactor.execute(() -> done.complete(task.get()));
        return await(done);
    }

    private <T> T await(CompletableFuture<T> future) {
        try {
            return reactor.await(future);
        } catch (InterruptedException | java.util.concurrent.ExecutionException e) {
            throw new AssertionError(e);
        }
    }

    private Run run(long seed, boolean takenBack) {
        var run = new Run(seed);
        for (int i = 0; i < 40; i++) {
            run.operate();
        }
        on(() -> {
            run.move.mover().begin(0);
            return true;
        });
        for (int i = 0; i < 40; i++) {
            run.operate();
        }
        on(() -> {
            run.move.mover().mayHold();
            return true;
        });
        int more = 0;
        while (!run.watched.held.isDone()) {
            assertThat(run.watched.failed).isNotDone();
            if (run.outstanding < OUTSTANDING && more++ < 60) {
                run.operate();
            } else {
                reactor.step();
            }
        }
        if (takenBack) {
            on(() -> {
                run.move.mover().stop();
                return true;
            });
        } else {
            run.becomeTarget();
        }
        for (int i = 0; i < 40; i++) {
            run.operate();
        }
        run.end();
        return run;
    }

    /** The end of a run at some moment: what the disks hold then is opened and compared. */
    private void recover(Run run, List<DiskImage> images, int time, String where) {
        var log = new DiskLog();
        var pools = new ArrayList<CrashPools>();
        try {
            for (int i = 0; i < images.size(); i++) {
                pools.add(
                        CrashPools.reopen(
                                new SimulatedDisk(i, images.get(i), log, 1, true), reactor));
            }
            boolean switched = pools.get(1).has("vol");
            if (time > run.renameEnds) {
                assertThat(switched).as(where).isTrue();
            } else if (time <= run.renameBegins) {
                assertThat(switched).as(where).isFalse();
            }
            assertThat(pools.get(0).has("vol")).as(where).isTrue();
            compare(run, pools.get(switched ? 1 : 0).device("vol"), time, where);
        } finally {
            pools.forEach(CrashPools::abandon);
        }
    }

    private void compare(Run run, BlockDevice device, int time, String where) {
        BlockChannel channel = on(() -> device.open(reactor));
        Registration registration =
                on(() ->
                        reactor.add(
                                new Poller() {
                                    @Override
                                    public int poll() {
                                        return channel.poll();
                                    }

                                    @Override
                                    public String name() {
                                        return "reader";
                                    }
                                }));
        int at = OUTSTANDING * BLOCK;
        for (int block = 0; block < BLOCKS; block++) {
            var ended = new CompletableFuture<BlockStatus>();
            var request =
                    new BlockRequest(0, r -> ended.complete(r.status()))
                            .prepare(BlockOperation.READ, (long) block * BLOCK, BLOCK);
            request.data().add(memory.address() + at, BLOCK);
            reactor.execute(() -> channel.submit(request));
            assertThat(await(ended)).isEqualTo(BlockStatus.OK);
            check(run, block, at, time, where);
        }
        var closed = new CompletableFuture<Boolean>();
        reactor.execute(() -> channel.close(() -> closed.complete(true)));
        await(closed);
        on(() -> {
            registration.close();
            return true;
        });
    }

    private long word(int at) {
        return NativeMemory.getLong(memory.address() + at);
    }

    private void check(Run run, int block, int at, int time, String where) {
        long number = word(at + 8);
        String what = "%s, block %d".formatted(where, block);
        for (int i = 0; i < BLOCK; i += 16) {
            assertThat(word(at + i)).as(what).isEqualTo(number == 0 ? 0 : block + 1);
            assertThat(word(at + i + 8)).as(what).isEqualTo(number);
        }
        List<Version> versions = run.history.get(block);
        int last = 0;
        for (int i = 0; i < versions.size(); i++) {
            if (!versions.get(i).discard && isDurable(run, versions.get(i), time)) {
                last = i;
            }
        }
        boolean allowed = false;
        for (int i = last; i < versions.size(); i++) {
            allowed |= versions.get(i).number == number && versions.get(i).submitted < time;
        }
        int oldest = last;
        assertThat(allowed)
                .as(() ->
                        "%s holds version %d, and version %d was durable"
                                .formatted(what, number, versions.get(oldest).number))
                .isTrue();
    }

    private static boolean isDurable(Run run, Version version, int time) {
        if (version.submitted < 0) {
            return true;
        }
        return version.completed < time && (version.durable || flushed(run, version, time));
    }

    private static boolean flushed(Run run, Version version, int time) {
        return run.flushes.stream()
                .anyMatch(
                        flush -> version.completed < flush.submitted() && flush.completed() < time);
    }

    private int explore(Run run, long seed) {
        var random = new Random(seed);
        int images = 0;
        var point = new CrashPoint(run.log, run.start);
        while (true) {
            boolean near =
                    point.time() >= run.renameBegins - 60 && point.time() <= run.renameEnds + 60;
            if (point.time() > run.made && (near || random.nextInt(9) == 0)) {
                String where = "seed %d, time %d".formatted(seed, point.time());
                recover(run, point.prefix(), point.time(), where + ", prefix");
                images++;
                for (int i = near ? 3 : 1; i > 0; i--) {
                    recover(run, point.image(point.drawn(random)), point.time(), where + ", drawn");
                    images++;
                }
            }
            if (point.isAtEnd()) {
                return images;
            }
            point.advance();
        }
    }

    private static long seed() {
        long seed = Long.getLong("vireo.seed", System.nanoTime());
        System.out.println("vireo.seed=" + seed);
        return seed;
    }

    @Test
    void onePoolHasTheVolumeWhateverHappens() {
        long seed = seed();
        for (int i = 0; i < 3; i++) {
            Run run = run(seed + i, false);
            System.out.printf("a move: %d crash images%n", explore(run, seed + i));
        }
    }

    @Test
    void theSourceHasItIfTheMoveIsTakenBack() {
        long seed = seed();
        Run run = run(seed, true);
        System.out.printf("a move that is taken back: %d crash images%n", explore(run, seed));
    }
}
