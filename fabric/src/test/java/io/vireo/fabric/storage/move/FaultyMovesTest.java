package io.vireo.fabric.storage.move;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockPool;
import io.vireo.block.BlockVolume;
import io.vireo.block.VolumeFormat;
import io.vireo.block.VolumeSnapshot;
import io.vireo.fabric.storage.move.Whereabouts.Place;
import io.vireo.fabric.storage.move.Whereabouts.State;
import io.vireo.fabric.storage.pool.FaultyPools;
import io.vireo.fabric.storage.pool.PoolStore;
import io.vireo.fabric.storage.pool.StoragePool;
import io.vireo.fabric.storage.pool.VolumeInfo;
import io.vireo.reactor.Reactor;
import io.vireo.resource.spec.VdiskSpec.Allocation;
import io.vireo.testkit.crash.DiskImage;
import io.vireo.testkit.crash.DiskLog;
import io.vireo.testkit.crash.SimulatedDisk;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * A volume with snapshots moves to and fro between two pools of mirrors while a client uses it and
 * disks of both fail, stall, vanish and are replaced: no request fails, volume and snapshots are
 * what they were, and nothing is left where they are not. Replays with {@code -Dvireo.seed=N
 * -Dvireo.fault.runs=1}.
 */
@Tag("endurance")
class FaultyMovesTest {
    /** A run takes eight times as long as those that the property is about. */
    private static final int RUNS = 1 + Integer.getInteger("vireo.fault.runs", 150) / 8;

    private static final int MOVES = 4;
    private static final long DISK = 6 << 20;
    private static final String NAME = "vol";

    /** A pool, and what befalls its disks. */
    private static final class Side {
        final Site site;
        final FaultyPools faults;
        final List<SimulatedDisk> disks = new ArrayList<>();
        final StoragePool pool;
        final BlockPool volumes;
        private int shakes;

        Side(String name, Reactor reactor, DiskLog log, boolean sums, Random random) {
            Allocation allocation = random.nextBoolean() ? Allocation.THIN : Allocation.THICK;
            site = new Site(name, allocation);
            FaultyPools.Plan plan = FaultyPools.Plan.drawn(random);
            faults = new FaultyPools(new PoolStore(sums), sums, plan, random.nextLong());
            for (int i = 0; i < plan.disks(); i++) {
                var image = new DiskImage(DISK);
                var disk = new SimulatedDisk(i, image, log, random.nextLong(), false);
                disk.logging(false);
                disks.add(disk);
            }
            faults.create(List.<BlockDevice>copyOf(disks), reactor);
            faults.open(List.<BlockDevice>copyOf(disks), reactor);
            pool = faults.pool();
            volumes = new PoolOfVolumes(pool);
        }

        void shake() {
            faults.before(shakes++, disks);
        }
    }

    /** A snapshot, and the versions of blocks that it holds. */
    private record Kept(VolumeSnapshot snapshot, List<Long> versions) {}

    private static final class Run implements AutoCloseable {
        private final Reactor reactor = Reactor.stepped("faulty-moves");
        private final DiskLog log = new DiskLog();
        private final Random random;
        private final String where;
        private final VolumeFormat format;
        private final List<Kept> kept = new ArrayList<>();
        private final MoveClient client;
        private Side here;
        private Side there;
        private BlockVolume home;
        private int moved;

        Run(long seed) {
            random = new Random(seed);
            boolean sums = random.nextBoolean();
            here = new Side("a", reactor, log, sums, random);
            there = new Side("b", reactor, log, sums, random);
            where = "replay: -Dvireo.seed=%d, %s, %s".formatted(seed, here.faults, there.faults);
            format = new VolumeFormat(MoveClient.SIZE, 512, 4096, false, sums);
            here.volumes.create(NAME, format);
            home = here.volumes.open(NAME, format);
            client = new MoveClient(home.device(), reactor, log, seed);
        }

        void go() {
            for (int i = 0; i < MOVES; i++) {
                use(30);
                if (i < 2) {
                    snapshot("s" + i);
                }
                use(10);
                move();
            }
            client.flush();
            client.leave();
            for (Side side : List.of(here, there)) {
                side.faults.heal(side.disks, reactor);
                assertThat(side.pool.trouble()).as(where).isEmpty();
            }
            compare();
            here.pool.abandon();
            there.pool.abandon();
            assertThat(reactor.metrics().failures()).as(where).isZero();
        }

        private void use(int times) {
            for (int i = 0; i < times; i++) {
                shake();
                client.operate(1);
            }
        }

        private void shake() {
            here.shake();
            there.shake();
        }

        private void snapshot(String name) {
            client.settle();
            here.volumes.createSnapshot(NAME, name, Instant.ofEpochSecond(1_000 + kept.size()));
            kept.add(new Kept(here.volumes.snapshotsOf(NAME).getLast(), versions(name)));
        }

        private List<Long> versions(String snapshot) {
            return Arrays.stream(client.versions(here.pool.device(snapshot), where))
                    .boxed()
                    .toList();
        }

        /** Whether the move is taken back while snapshots are copied. */
        private boolean isWithdrawn() {
            shake();
            return random.nextInt(200) == 0;
        }

        /** As {@link Relocation} does it. */
        private void move() {
            List<VolumeSnapshot> snapshots = here.volumes.snapshotsOf(NAME);
            client.goesOn(true);
            try (var copies =
                    new SnapshotCopies(here.volumes, there.volumes, snapshots, this::isWithdrawn)) {
                copies.capacity(MoveClient.SIZE);
                BlockVolume copy = Volumes.makeCopy(there.volumes, NAME, there.site, format);
                copies.run(copy, NAME + Volumes.COPY);
                client.goesOn(false);
                move(copy, copies);
            } catch (WithdrawnException e) {
                client.goesOn(false);
                clear(State.COPYING, there.volumes);
            }
        }

        private void move(BlockVolume copy, SnapshotCopies copies) {
            var watched = new Watched();
            MoveDevice move =
                    OnReactor.call(
                            reactor,
                            () ->
                                    new MoveDevice(
                                            home.device(),
                                            copy.device(),
                                            copies.base(),
                                            reactor,
                                            watched));
            client.goTo(move);
            OnReactor.tell(reactor, () -> move.mover().begin(0));
            use(20);
            boolean stays = random.nextInt(4) == 0;
            if (stays) {
                OnReactor.tell(reactor, move.mover()::stop);
            } else {
                OnReactor.tell(reactor, move.mover()::mayHold);
                OnReactor.await(reactor, CompletableFuture.anyOf(watched.held, watched.failed));
                assertThat(watched.failed).as(where).isNotDone();
                Volumes.switchTo(copy, home, NAME, false);
                OnReactor.tell(reactor, move.mover()::switched);
            }
            use(15);
            client.goTo((stays ? home : copy).device());
            move.close();
            if (stays) {
                clear(State.COPYING, there.volumes);
                return;
            }
            home = copy;
            clear(State.MOVED, here.volumes);
            Side left = here;
            here = there;
            there = left;
            moved++;
        }

        private void clear(State state, BlockPool left) {
            client.settle();
            Volumes.clear(new Place(state, here.site, there.site), left, home, NAME);
        }

        private void compare() {
            client.compare(here.pool.device(NAME), log.tick(), where);
            for (Kept each : kept) {
                String name = each.snapshot.name();
                assertThat(versions(name)).as(where + ", " + name).isEqualTo(each.versions);
            }
            assertThat(here.volumes.snapshotsOf(NAME))
                    .as(where)
                    .isEqualTo(kept.stream().map(Kept::snapshot).toList());
            assertThat(here.pool.volumes().stream().map(VolumeInfo::name).toList())
                    .as(where)
                    .hasSize(1 + kept.size());
            assertThat(there.pool.volumes()).as(where).isEmpty();
        }

        @Override
        public void close() {
            client.close();
            reactor.close();
        }
    }

    @Test
    void aVolumeThatMovesBetweenPoolsIsWhatItWasWhateverDisksDo() {
        long first = MoveCrashTest.seed();
        int moved = 0;
        int outs = 0;
        for (long seed = first; seed < first + RUNS; seed++) {
            try (var run = new Run(seed)) {
                run.go();
                moved += run.moved;
                outs += run.here.faults.outs() + run.there.faults.outs();
            } catch (RuntimeException e) {
                throw new AssertionError("replay: -Dvireo.seed=" + seed, e);
            }
        }
        System.out.printf(
                "%d runs with %d moves between pools, disks were out %d times%n",
                RUNS, moved, outs);
        assertThat(moved).isPositive();
    }
}
