package io.vireo.fabric.storage.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import io.vireo.block.VolumeFormat;
import io.vireo.fabric.storage.format.MirrorHeader;
import io.vireo.fabric.storage.mirror.MirrorStatus.LegState;
import io.vireo.memory.OwnMemory;
import io.vireo.testkit.crash.DiskFault;
import io.vireo.testkit.crash.SimulatedDisk;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Predicate;
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

    /** The next request of a kind is one that a disk does not answer for long. */
    private static AtomicBoolean slow(SimulatedDisk disk, Predicate<BlockRequest> which) {
        var slow = new AtomicBoolean(true);
        disk.faults(r ->
                which.test(r) && slow.getAndSet(false)
                        ? new DiskFault.Delays(LIMIT.minusSeconds(1).toNanos())
                        : DiskFault.NONE);
        return slow;
    }

    private static boolean isIntent(BlockRequest request) {
        return request.operation() == BlockOperation.WRITE
                && request.offset() >= MirrorHeader.INTENT
                && request.offset() < MirrorHeader.DATA;
    }

    @Test
    void aDiskThatIsBackIsNotLeftOutForABitThatItFailedToWriteBefore() {
        assertThat(write(1, 1)).isEqualTo(BlockStatus.OK);
        AtomicBoolean slow = slow(disks[0], MirrorReturnTest::isIntent);
        disks[1].faults(r -> isIntent(r) ? DiskFault.eio() : DiskFault.NONE);
        // One of them is the first in its region.
        int chunk = 1;
        CompletableFuture<BlockStatus> first = CompletableFuture.completedFuture(BlockStatus.OK);
        while (slow.get()) {
            if (first.isDone()) {
                first = begin(++chunk, 2);
            }
            step();
        }
        disks[1].vanish();
        assertThat(write(1, 3)).isEqualTo(BlockStatus.OK);
        assertThat(states()).containsExactly(LegState.IN_SYNC, LegState.FAILED);
        disks[1].faults(_ -> DiskFault.NONE);
        disks[1].comeBack();
        assertThat(first).isNotDone();
        assertThat(client.await(first)).isEqualTo(BlockStatus.OK);
        untilRedundant();
        assertThat(events).hasSize(2).last().isEqualTo("redundant");
        assertFlushedCopiesAreEqual();
        assertHolds(chunk, 2);
        assertHolds(1, 3);
    }

    @Test
    void aDiskThatIsBackIsNotLeftOutForACopyThatItFailedToTakeBefore() {
        openThree();
        assertThat(write(0, 1)).isEqualTo(BlockStatus.OK);
        pool.stallLimit(Duration.ofMinutes(2));
        pool.pauseResync(true);
        for (int i = 0; i < 3; i++) {
            once(i, CHUNK, new DiskFault.Fails(BlockStatus.IO_ERROR, 512L << i));
        }
        assertThat(write(0, 2)).isEqualTo(BlockStatus.IO_ERROR);
        // A read has it made equal first.
        disks[0].faults(_ -> DiskFault.NONE);
        fail(1, BlockOperation.WRITE, DiskFault.eio());
        var slow = new AtomicBoolean(true);
        disks[2].faults(r ->
                r.operation() == BlockOperation.WRITE && isData(r) && slow.getAndSet(false)
                        ? new DiskFault.Delays(Duration.ofMinutes(1).toNanos())
                        : DiskFault.NONE);
        OwnMemory memory = OwnMemory.allocate(CHUNK);
        CompletableFuture<BlockStatus> read =
                client.start(
                        BlockOperation.READ, 0, CHUNK, r -> r.data().add(memory.address(), CHUNK));
        while (slow.get()) {
            step();
        }
        // It is looked at by a flush of the mirror's own.
        disks[1].vanish();
        while (states().get(1) != LegState.FAILED) {
            step();
        }
        disks[1].faults(_ -> DiskFault.NONE);
        disks[1].comeBack();
        while (states().get(1) != LegState.SYNCING) {
            step();
        }
        assertThat(read).isNotDone();
        assertThat(client.await(read)).isEqualTo(BlockStatus.OK);
        memory.close();
        pool.pauseResync(false);
        untilRedundant();
        assertThat(events).hasSize(2).last().isEqualTo("redundant");
        heal();
        assertFlushedCopiesAreEqual();
    }

    /** It may be the only one that is left after a loss of power. */
    @Test
    void aDiskThatComesBackIsNotInSyncBeforeItHasTheBitsOfTheOthers() {
        disks[1].vanish();
        assertThat(write(0, 2)).isEqualTo(BlockStatus.OK);
        Duration delay = LIMIT.minusSeconds(1);
        long[] marking = {0};
        long[] flushed = {0};
        disks[1].faults(r -> {
            if (marking[0] > 0 && flushed[0] == 0 && r.operation() == BlockOperation.FLUSH) {
                flushed[0] = home.nanoTime();
            }
            if (marking[0] > 0 || !isIntent(r)) {
                return DiskFault.NONE;
            }
            marking[0] = home.nanoTime();
            return new DiskFault.Delays(delay.toNanos());
        });
        disks[1].comeBack();
        while (marking[0] == 0) {
            step();
        }
        // The resync does not wait for that.
        pool.pauseResync(true);
        pool.pauseResync(false);
        untilRedundant();
        assertThat(flushed[0] - marking[0]).isGreaterThanOrEqualTo(delay.toNanos());
        heal();
        assertFlushedCopiesAreEqual();
        assertHolds(0, 2);
    }

    @Test
    void aDiskThatIsBackIsNotLeftOutForAHeaderThatItFailedToWriteBefore() {
        openThree();
        disks[2].vanish();
        AtomicBoolean slow = slow(disks[0], MirrorReturnTest::isHeader);
        CompletableFuture<BlockStatus> first = begin(1, 2);
        while (slow.get()) {
            step();
        }
        disks[1].vanish();
        CompletableFuture<BlockStatus> second = begin(2, 3);
        while (states().get(1) != LegState.FAILED) {
            step();
        }
        disks[1].comeBack();
        while (states().get(1) != LegState.SYNCING) {
            step();
        }
        assertThat(first).isNotDone();
        assertThat(client.await(first)).isEqualTo(BlockStatus.OK);
        assertThat(client.await(second)).isEqualTo(BlockStatus.OK);
        disks[2].comeBack();
        untilRedundant();
        assertThat(events).hasSize(3).last().isEqualTo("redundant");
        assertFlushedCopiesAreEqual();
        assertHolds(1, 2);
        assertHolds(2, 3);
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

    private void openThree() {
        close();
        disks = new SimulatedDisk[] {disk(0), disk(1), disk(2)};
        StoragePool.create(PoolStore.CONFIG.withCopies(3), List.<BlockDevice>of(disks), home);
        pool = StoragePool.open(List.<BlockDevice>of(disks), home, options);
        pool.createVolume("v", new VolumeFormat(1 << 20, 512, 4096));
        client = new SteppedClient(pool.device("v"), home);
    }

    @Test
    void aDiskThatComesBackWhileAnotherIsFlushedGetsWhatItLacks() {
        openThree();
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
