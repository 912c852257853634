package io.vireo.fabric.storage.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import io.vireo.block.VolumeFormat;
import io.vireo.fabric.storage.format.MirrorHeader;
import io.vireo.fabric.storage.mirror.MirrorStatus.LegState;
import io.vireo.testkit.crash.DiskFault;
import io.vireo.testkit.crash.SimulatedDisk;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What is under way on a mirror while one of its disks fails, and while it comes back. */
class MirrorReturnTest extends MirrorBed {
    private static final Duration LIMIT = MirrorOptions.DEFAULT.stallLimit();

    private SimulatedDisk stalled = disks[0];

    @AfterEach
    void letGo() {
        stalled.release();
    }

    private static boolean isData(BlockRequest request) {
        return request.offset() >= MirrorHeader.DATA;
    }

    private static boolean isHeader(BlockRequest request) {
        return request.operation() == BlockOperation.WRITE
                && (request.offset() == MirrorHeader.PLACES[0]
                        || request.offset() == MirrorHeader.PLACES[1]);
    }

    private long now() {
        return HomeIo.on(home, home::nanoTime);
    }

    private CompletableFuture<BlockStatus> begin(int chunk, int value) {
        byte[] data = new byte[CHUNK];
        Arrays.fill(data, (byte) value);
        return client.write((long) chunk * CHUNK, data, false);
    }

    private void assertFlushedCopiesAreEqual() {
        assertThat(flush()).isEqualTo(BlockStatus.OK);
        assertEqualCopies();
    }

    private void step() {
        assertThat(home.step()).as("something is left to do").isPositive();
    }

    private void within(Duration time, CompletableFuture<?> request) {
        long end = now() + time.toNanos();
        while (!request.isDone() && now() < end && home.step() > 0) {}
        assertThat(request).isDone();
    }

    /** The first write of a disk fails, and it never answers the second. */
    private List<CompletableFuture<BlockStatus>> failOneStallTheOther(SimulatedDisk disk) {
        var first = new AtomicBoolean(true);
        disk.stallAgain();
        disk.faults(r -> {
            if (r.operation() != BlockOperation.WRITE || !isData(r)) {
                return DiskFault.NONE;
            }
            return first.getAndSet(false) ? DiskFault.eio() : new DiskFault.Stalls();
        });
        List<CompletableFuture<BlockStatus>> writes = List.of(begin(0, 2), begin(1, 3));
        while (states().get(0) != LegState.FAILED) {
            step();
        }
        assertThat(writes).anyMatch(each -> !each.isDone());
        return writes;
    }

    @Test
    void aDiskThatFailsOneWriteAndStallsAnotherIsNotWaitedForEither() {
        List<CompletableFuture<BlockStatus>> writes = failOneStallTheOther(disks[0]);
        for (CompletableFuture<BlockStatus> write : writes) {
            within(LIMIT.multipliedBy(2), write);
            assertThat(write.join()).isEqualTo(BlockStatus.OK);
        }
        assertThat(states()).containsExactly(LegState.FAILED, LegState.IN_SYNC);
        stalled.release();
        heal();
        untilRedundant();
        assertFlushedCopiesAreEqual();
        assertHolds(0, 2);
        assertHolds(1, 3);
    }

    @Test
    void aDiskThatWasReplacedIsNotWaitedFor() {
        List<CompletableFuture<BlockStatus>> writes = failOneStallTheOther(stalled);
        disks[0] = disk(2);
        pool.replaceDisk(disks[0]);
        for (CompletableFuture<BlockStatus> write : writes) {
            within(LIMIT.multipliedBy(2), write);
            assertThat(write.join()).isEqualTo(BlockStatus.OK);
        }
        untilRedundant();
        stalled.release();
        assertFlushedCopiesAreEqual();
        assertHolds(0, 2);
        assertHolds(1, 3);
    }

    /** What it did not do then it has got since. */
    @Test
    void aDiskThatIsBackIsNotLeftOutForWhatItFailedBefore() {
        for (BlockOperation operation : List.of(BlockOperation.FLUSH, BlockOperation.WRITE)) {
            assertThat(write(1, 1)).isEqualTo(BlockStatus.OK);
            assertThat(flush()).isEqualTo(BlockStatus.OK);
            assertThat(write(0, 3)).isEqualTo(BlockStatus.OK);
            events.clear();
            var slow = new AtomicBoolean(true);
            disks[0].faults(r -> {
                boolean chosen = r.operation() == operation && !r.forceUnitAccess();
                boolean data = operation == BlockOperation.FLUSH || isData(r);
                return chosen && data && slow.getAndSet(false)
                        ? new DiskFault.Delays(LIMIT.minusSeconds(1).toNanos())
                        : DiskFault.NONE;
            });
            fail(1, operation, DiskFault.eio());
            CompletableFuture<BlockStatus> request =
                    operation == BlockOperation.FLUSH
                            ? client.start(operation, 0, 0, _ -> {})
                            : begin(0, 4);
            while (slow.get()) {
                step();
            }
            disks[1].vanish();
            assertThat(write(1, 5)).isEqualTo(BlockStatus.OK);
            assertThat(request).isNotDone();
            assertThat(states()).containsExactly(LegState.IN_SYNC, LegState.FAILED);
            disks[1].faults(_ -> DiskFault.NONE);
            disks[1].comeBack();
            assertThat(client.await(request)).isEqualTo(BlockStatus.OK);
            untilRedundant();
            assertThat(events).hasSize(2).last().isEqualTo("redundant");
            heal();
            assertFlushedCopiesAreEqual();
            assertHolds(1, 5);
        }
    }

    /** It was done by nobody that is in sync, and the other one has copied the place already. */
    @Test
    void aWriteThatOnlyADiskHasThatComesBackLeavesEqualCopies() {
        for (boolean flushing : List.of(true, false)) {
            disks[1].vanish();
            assertThat(write(0, 2)).isEqualTo(BlockStatus.OK);
            disks[1].comeBack();
            var there = new AtomicBoolean();
            hold(flushing, there);
            while (!there.get()) {
                step();
            }
            var armed = new AtomicBoolean(true);
            disks[0].faults(r ->
                    r.length() == CHUNK && armed.getAndSet(false)
                            ? new DiskFault.Fails(BlockStatus.IO_ERROR, 512)
                            : DiskFault.NONE);
            assertThat(write(0, 3)).isEqualTo(BlockStatus.IO_ERROR);
            heal();
            pool.pauseResync(true);
            long end = now() + LIMIT.multipliedBy(2).toNanos();
            while (now() < end && home.step() > 0) {}
            assertThat(states()).containsExactly(LegState.IN_SYNC, LegState.SYNCING);
            pool.pauseResync(false);
            untilRedundant();
            assertFlushedCopiesAreEqual();
        }
    }

    /** Holds the last flush of the disk that comes back, or the record that it is in sync. */
    private void hold(boolean flushing, AtomicBoolean there) {
        DiskFault delay = new DiskFault.Delays(LIMIT.dividedBy(2).toNanos());
        var copied = new AtomicBoolean();
        disks[1].faults(r -> {
            if (r.operation() != BlockOperation.FLUSH) {
                return DiskFault.NONE;
            }
            copied.set(true);
            there.compareAndSet(false, flushing);
            return flushing ? delay : DiskFault.NONE;
        });
        disks[0].faults(r -> {
            boolean held = !flushing && copied.get() && isHeader(r);
            there.compareAndSet(false, held);
            return held ? delay : DiskFault.NONE;
        });
    }

    @Test
    void aDiskThatComesBackWhileAnotherIsFlushedGetsWhatItLacks() {
        close();
        disks = new SimulatedDisk[] {disk(0), disk(1), disk(2)};
        StoragePool.create(PoolStore.CONFIG.withCopies(3), List.<BlockDevice>of(disks), home);
        pool = StoragePool.open(List.<BlockDevice>of(disks), home, options);
        pool.createVolume("v", new VolumeFormat(1 << 20, 512, 4096));
        client = new SteppedClient(pool.device("v"), home);
        pool.stallLimit(Duration.ofMinutes(2));
        disks[1].vanish();
        disks[2].vanish();
        assertThat(write(0, 2)).isEqualTo(BlockStatus.OK);
        var flushed = new AtomicBoolean();
        disks[1].faults(r -> {
            boolean flush = r.operation() == BlockOperation.FLUSH;
            boolean slow = flush && !flushed.getAndSet(true);
            return slow ? new DiskFault.Delays(Duration.ofMinutes(1).toNanos()) : DiskFault.NONE;
        });
        disks[1].comeBack();
        while (!flushed.get()) {
            step();
        }
        disks[2].comeBack();
        while (states().get(2) != LegState.SYNCING) {
            step();
        }
        assertThat(states().get(1)).isEqualTo(LegState.SYNCING);
        untilRedundant();
        assertFlushedCopiesAreEqual();
        assertHolds(0, 2);
    }

    /** Not only from the next piece on, which may be far away. */
    @Test
    void aRateThatChangesHoldsAtOnce() {
        disks[1].vanish();
        assertThat(write(0, 2)).isEqualTo(BlockStatus.OK);
        assertThat(flush()).isEqualTo(BlockStatus.OK);
        pool.resyncRate(1);
        disks[1].comeBack();
        while (mirror().copiedBytes() == 0) {
            step();
        }
        long began = now();
        pool.resyncRate(0);
        untilRedundant();
        assertThat(now() - began).isLessThan(Duration.ofMinutes(1).toNanos());
        assertFlushedCopiesAreEqual();
        assertHolds(0, 2);
    }

    @Test
    void whereDisksMayDifferIsNotForgottenThoughNoneCanBeReadForAWhile() {
        for (int i = 0; i < 2; i++) {
            DiskFault part = new DiskFault.Fails(BlockStatus.IO_ERROR, 512 << i);
            disks[i].faults(r ->
                    switch (r.operation()) {
                        case WRITE -> r.length() == CHUNK ? part : DiskFault.NONE;
                        case READ -> isData(r) ? DiskFault.eio() : DiskFault.NONE;
                        default -> DiskFault.NONE;
                    });
        }
        assertThat(write(0, 2)).isEqualTo(BlockStatus.IO_ERROR);
        assertThat(client.readable(0, CHUNK)).isEmpty();
        for (int i = 0; i < 100; i++) {
            step();
        }
        for (int i = 0; i < 2; i++) {
            once(i, CHUNK, DiskFault.eio());
        }
        // Each disk could give what it has, and which of them is right is not known yet.
        assertThat(client.readable(0, CHUNK)).isEmpty();
        heal();
        byte[] first = client.read(0, CHUNK);
        for (int i = 0; i < 4; i++) {
            assertThat(client.read(0, CHUNK)).isEqualTo(first);
        }
        while (mirror().toCopyBytes() > 0) {
            step();
        }
        assertThat(events).isEmpty();
        assertFlushedCopiesAreEqual();
        assertThat(client.read(0, CHUNK)).isEqualTo(first);
    }

    /** It has nothing yet that says whose it is. */
    @Test
    void anEmptyDiskWhoseFirstHeaderFailsIsTriedAgain() {
        disks[0].vanish();
        assertThat(write(0, 2)).isEqualTo(BlockStatus.OK);
        disks[0] = disk(2);
        var first = new AtomicBoolean(true);
        disks[0].faults(
                r -> isHeader(r) && first.getAndSet(false) ? DiskFault.eio() : DiskFault.NONE);
        pool.replaceDisk(disks[0]);
        while (first.get() || states().get(0) != LegState.FAILED) {
            step();
        }
        untilRedundant();
        assertFlushedCopiesAreEqual();
        assertHolds(0, 2);
    }
}
