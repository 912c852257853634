package io.vireo.fabric.storage.pool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import io.vireo.block.VolumeFormat;
import io.vireo.fabric.storage.format.MirrorHeader;
import io.vireo.fabric.storage.mirror.MirrorStatus.LegState;
import io.vireo.memory.OwnMemory;
import io.vireo.resource.ResourceException;
import io.vireo.testkit.crash.DiskFault;
import io.vireo.testkit.crash.DiskImage;
import io.vireo.testkit.crash.SimulatedDisk;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;

/** A disk below a mirror that does not answer is waited for so long, and not for ever. */
class MirrorStallTest extends MirrorBed {
    private static final Duration LIMIT = MirrorOptions.DEFAULT.stallLimit();
    private static final Duration HALF_A_MINUTE = Duration.ofSeconds(30);

    private static boolean isData(BlockRequest request) {
        return request.offset() >= MirrorHeader.DATA;
    }

    private void stall(int disk, Predicate<BlockRequest> which, Duration time) {
        disks[disk].faults(
                r -> which.test(r) ? new DiskFault.Delays(time.toNanos()) : DiskFault.NONE);
    }

    private long now() {
        return HomeIo.on(home, home::nanoTime);
    }

    @Test
    void aDiskThatStallsIsLeftOutAndGetsWhatItLacks() {
        for (int disk = 0; disk < 2; disk++) {
            stall(disk, r -> r.operation() == BlockOperation.WRITE && isData(r), HALF_A_MINUTE);
            long began = now();
            assertThat(write(0, 2 + disk)).isEqualTo(BlockStatus.OK);
            long waited = now() - began;
            assertThat(waited).isBetween(LIMIT.toNanos(), LIMIT.toNanos() * 5 / 4);
            assertThat(states().get(disk)).isEqualTo(LegState.FAILED);
            assertThat(events.getLast()).contains("disk " + disk).contains("not answered for 10 s");
            assertThat(flush()).isEqualTo(BlockStatus.OK);
            assertThat(write(1, 4 + disk)).isEqualTo(BlockStatus.OK);
            assertThat(flush()).isEqualTo(BlockStatus.OK);
            assertThat(now() - began).isEqualTo(waited);
            heal();
            untilRedundant();
            // Not before it has ended what it was given.
            assertThat(now() - began).isGreaterThan(HALF_A_MINUTE.toNanos());
            assertEqualCopies();
            assertHolds(0, 2 + disk);
            assertHolds(1, 4 + disk);
        }
    }

    @Test
    void howLongADiskMayStallChangesInUse() {
        Duration limit = Duration.ofSeconds(2);
        pool.stallLimit(limit);
        stall(0, r -> r.operation() == BlockOperation.WRITE && isData(r), HALF_A_MINUTE);
        long began = now();
        assertThat(write(0, 2)).isEqualTo(BlockStatus.OK);
        assertThat(now() - began).isBetween(limit.toNanos(), limit.toNanos() * 5 / 4);
        assertThat(states()).containsExactly(LegState.FAILED, LegState.IN_SYNC);
        assertThat(events.getLast()).contains("not answered for 2 s");
    }

    @Test
    void aFlushThatStallsOnOneDiskSucceedsWithoutIt() {
        assertThat(write(0, 2)).isEqualTo(BlockStatus.OK);
        stall(1, r -> r.operation() == BlockOperation.FLUSH, HALF_A_MINUTE);
        long began = now();
        assertThat(flush()).isEqualTo(BlockStatus.OK);
        assertThat(now() - began).isBetween(LIMIT.toNanos(), LIMIT.toNanos() * 5 / 4);
        assertThat(states()).containsExactly(LegState.IN_SYNC, LegState.FAILED);
        heal();
        untilRedundant();
        assertEqualCopies();
        assertHolds(0, 2);
    }

    /** It is not among those that were asked, and the flush has nothing to do with it. */
    @Test
    void aFlushEndsThoughADiskCameBackMeanwhile() {
        disks[1].vanish();
        assertThat(write(0, 2)).isEqualTo(BlockStatus.OK);
        assertThat(states()).containsExactly(LegState.IN_SYNC, LegState.FAILED);
        disks[1].comeBack();
        stall(0, r -> r.operation() == BlockOperation.FLUSH, LIMIT.minusSeconds(1));
        CompletableFuture<BlockStatus> flush = client.start(BlockOperation.FLUSH, 0, 0, _ -> {});
        untilRedundant();
        assertThat(flush).isNotDone();
        assertThat(client.await(flush)).isEqualTo(BlockStatus.OK);
        heal();
        assertThat(events.getLast()).isEqualTo("redundant");
        assertEqualCopies();
        assertHolds(0, 2);
    }

    /** Which of them is the last is nobody's business, but both disks have to have the same. */
    @Test
    void writesOfTheSameBytesAtOnceLeaveEqualCopies() {
        for (int disk = 0; disk < 2; disk++) {
            var first = new AtomicBoolean(true);
            disks[disk].faults(r ->
                    isData(r) && r.length() == CHUNK && first.getAndSet(false)
                            ? new DiskFault.Delays(LIMIT.dividedBy(2).toNanos())
                            : DiskFault.NONE);
            byte[] one = new byte[CHUNK];
            Arrays.fill(one, (byte) 2);
            byte[] other = new byte[CHUNK / 4];
            Arrays.fill(other, (byte) 3);
            List<CompletableFuture<BlockStatus>> writes =
                    List.of(
                            client.write(0, one, false),
                            client.write(CHUNK / 2, other, false),
                            client.write(CHUNK / 2, one, false));
            // Nobody else waits.
            assertThat(client.await(client.write(3L * CHUNK, other, false)))
                    .isEqualTo(BlockStatus.OK);
            assertThat(writes).noneMatch(CompletableFuture::isDone);
            writes.forEach(each -> assertThat(client.await(each)).isEqualTo(BlockStatus.OK));
            heal();
            assertThat(flush()).isEqualTo(BlockStatus.OK);
            assertEqualCopies();
        }
        assertThat(events).isEmpty();
    }

    @Test
    void aDiskThatIsOnlySlowStays() {
        for (BlockOperation operation : List.of(BlockOperation.WRITE, BlockOperation.FLUSH)) {
            stall(0, r -> r.operation() == operation, LIMIT.dividedBy(2));
            assertThat(write(0, 2)).isEqualTo(BlockStatus.OK);
            assertThat(flush()).isEqualTo(BlockStatus.OK);
            assertThat(mirror().isRedundant()).isTrue();
        }
        assertThat(events).isEmpty();
        assertEqualCopies();
    }

    @Test
    void noDiskIsLeftOutWhileNoneAnswers() {
        for (int disk = 0; disk < 2; disk++) {
            stall(disk, r -> r.operation() == BlockOperation.WRITE, HALF_A_MINUTE);
        }
        long began = now();
        assertThat(write(0, 2)).isEqualTo(BlockStatus.OK);
        assertThat(now() - began).isEqualTo(HALF_A_MINUTE.toNanos());
        heal();
        assertThat(flush()).isEqualTo(BlockStatus.OK);
        assertThat(mirror().isRedundant()).isTrue();
        assertThat(events).isEmpty();
        assertEqualCopies();
        assertHolds(0, 2);
    }

    @Test
    void whatADiskThatStallsLacksIsAcknowledgedOnlyWhenThatIsDurable() {
        stall(0, MirrorStallTest::isData, HALF_A_MINUTE);
        var durable = new AtomicBoolean();
        disks[1].faults(r -> {
            boolean header =
                    r.operation() == BlockOperation.WRITE
                            && (r.offset() == MirrorHeader.PLACES[0]
                                    || r.offset() == MirrorHeader.PLACES[1]);
            durable.compareAndSet(false, header && r.forceUnitAccess());
            return header ? new DiskFault.Delays(1) : DiskFault.NONE;
        });
        assertThat(write(0, 2)).isEqualTo(BlockStatus.OK);
        assertThat(durable).isTrue();
        // Power is cut here, and the disk that stalled is the only one that is left.
        DiskImage left = disks[0].contents().fork();
        DiskImage other = disks[1].contents().fork();
        heal();
        close();
        disks = new SimulatedDisk[] {disk(0, left), disk(1, other)};
        assertThatThrownBy(() -> open(false, disks[0]))
                .isInstanceOf(ResourceException.class)
                .hasMessageContaining("missing");
        open(false, disks);
        assertHolds(0, 2);
        untilRedundant();
        assertEqualCopies();
        assertHolds(0, 2);
    }

    /** The disk takes the data when a write ends: then it must be what it was. */
    @Test
    void memoryThatADiskStillHasIsNotUsedForAnythingElse() {
        for (int disk = 0; disk < 2; disk++) {
            stall(disk, r -> isData(r) && r.operation() == BlockOperation.WRITE, HALF_A_MINUTE);
            List<CompletableFuture<BlockStatus>> writes = new ArrayList<>();
            for (int i = 0; i < 16; i++) {
                byte[] data = new byte[CHUNK];
                Arrays.fill(data, (byte) (10 + i));
                writes.add(client.write((long) i * CHUNK, data, false));
            }
            writes.forEach(each -> assertThat(client.await(each)).isEqualTo(BlockStatus.OK));
            assertThat(states().get(disk)).isEqualTo(LegState.FAILED);
            // Whatever it was is used again, if it can be.
            for (int i = 0; i < 200; i++) {
                assertThat(write(i % 32, i)).isEqualTo(BlockStatus.OK);
                assertThat(flush()).isEqualTo(BlockStatus.OK);
            }
            heal();
            untilRedundant();
            assertEqualCopies();
            assertHolds(31, 191);
        }
    }

    @Test
    void aReadThatStallsWaitsForTheDiskAndOthersDoNot() {
        stall(0, r -> r.operation() == BlockOperation.READ && isData(r), HALF_A_MINUTE);
        long began = now();
        OwnMemory memory = OwnMemory.allocate(2 * CHUNK);
        var reads = new ArrayList<CompletableFuture<BlockStatus>>();
        for (int i = 0; i < 2; i++) {
            long address = memory.address() + (long) i * CHUNK;
            reads.add(
                    client.start(BlockOperation.READ, 0, CHUNK, r -> r.data().add(address, CHUNK)));
        }
        while (states().get(0) != LegState.FAILED) {
            assertThat(home.step()).isPositive();
        }
        assertThat(reads.stream().filter(CompletableFuture::isDone)).hasSize(1);
        assertHolds(0, 1);
        assertThat(write(0, 2)).isEqualTo(BlockStatus.OK);
        assertThat(now() - began).isLessThan(HALF_A_MINUTE.toNanos());
        heal();
        reads.forEach(each -> assertThat(client.await(each)).isEqualTo(BlockStatus.OK));
        memory.close();
        assertThat(now() - began).isGreaterThanOrEqualTo(HALF_A_MINUTE.toNanos());
        untilRedundant();
        assertEqualCopies();
        assertHolds(0, 2);
    }

    @Test
    void aDiskThatStallsForEverCanBeReplaced() {
        disks[0].stallAgain();
        disks[0].faults(_ -> new DiskFault.Stalls());
        assertThat(write(0, 2)).isEqualTo(BlockStatus.OK);
        assertThat(states()).containsExactly(LegState.FAILED, LegState.IN_SYNC);
        SimulatedDisk stalled = disks[0];
        disks[0] = disk(2);
        pool.replaceDisk(disks[0]);
        untilRedundant();
        assertThat(pool.isHeld(stalled)).isTrue();
        assertEqualCopiesWhileOpen();
        assertHolds(0, 2);
        stalled.release();
        for (int i = 0; i < 10 && pool.isHeld(stalled); i++) {
            home.step();
        }
        assertThat(pool.isHeld(stalled)).isFalse();
        assertEqualCopies();
    }

    private void assertEqualCopiesWhileOpen() {
        assertThat(flush()).isEqualTo(BlockStatus.OK);
        for (long at = MirrorHeader.DATA; at < DISK; at += 4096) {
            assertThat(disks[1].contents().read(at, 4096))
                    .as("block at %d", at)
                    .isEqualTo(disks[0].contents().read(at, 4096));
        }
    }

    /** The disk fills the memory when it ends the read: nobody may look at it then. */
    @Test
    void aReadThatWasGivenUpEndsInNobodysMemory() {
        pool.createVolume("s", new VolumeFormat(1 << 20, 512, 4096, false, true));
        var summed = new SteppedClient(pool.device("s"), home);
        byte[] data = new byte[CHUNK];
        Arrays.fill(data, (byte) 9);
        assertThat(summed.await(summed.write(0, data, true))).isEqualTo(BlockStatus.OK);
        List<List<Long>> memory = List.of(new ArrayList<>(), new ArrayList<>());
        for (int i = 0; i < 2; i++) {
            List<Long> seen = memory.get(i);
            DiskFault fault =
                    i == 0 ? new DiskFault.Delays(HALF_A_MINUTE.toNanos()) : DiskFault.NONE;
            disks[i].faults(r -> {
                if (r.operation() != BlockOperation.READ || !isData(r)) {
                    return DiskFault.NONE;
                }
                seen.add(r.data().address(0));
                return fault;
            });
        }
        // Each disk in turn: one of the two is asked of the one that stalls.
        for (int i = 0; i < 2; i++) {
            assertThat(summed.read(0, CHUNK)).isEqualTo(data);
        }
        assertThat(states()).containsExactly(LegState.FAILED, LegState.IN_SYNC);
        assertThat(memory.get(0)).isNotEmpty();
        assertThat(memory.get(1)).isNotEmpty().doesNotContainAnyElementsOf(memory.get(0));
        heal();
        untilRedundant();
        assertThat(summed.read(0, CHUNK)).isEqualTo(data);
        summed.close();
    }

    /** What it was given at its former place must not land on what it gets at the new one. */
    @Test
    void aDiskThatStallsIsNotTakenBackElsewhereBeforeItHasLetGo() {
        SimulatedDisk stalled = disks[0];
        stalled.stallAgain();
        stalled.faults(r -> isData(r) ? new DiskFault.Stalls() : DiskFault.NONE);
        assertThat(write(0, 2)).isEqualTo(BlockStatus.OK);
        assertThat(states()).containsExactly(LegState.FAILED, LegState.IN_SYNC);
        SimulatedDisk elsewhere = disk(0, stalled.contents());
        for (int i = 0; i < 3; i++) {
            assertThatThrownBy(() -> pool.takeBackDisk(elsewhere))
                    .hasMessageContaining("has not answered");
            assertThatThrownBy(() -> pool.replaceDisk(elsewhere))
                    .hasMessageContaining("has not answered");
            assertThat(write(0, 3 + i)).isEqualTo(BlockStatus.OK);
        }
        assertThat(states()).containsExactly(LegState.FAILED, LegState.IN_SYNC);
        // It cannot be used at its former place any more.
        fail(0, BlockOperation.READ, DiskFault.eio());
        stalled.release();
        for (int i = 0; i < 10; i++) {
            home.step();
        }
        pool.takeBackDisk(elsewhere);
        disks[0] = elsewhere;
        untilRedundant();
        assertThat(flush()).isEqualTo(BlockStatus.OK);
        assertEqualCopies();
        assertHolds(0, 5);
    }

    @Test
    void aDiskThatStallsIsHeldUntilItHasLetGoThoughItsMirrorLeaves() {
        SimulatedDisk stalled = disks[0];
        stalled.stallAgain();
        stalled.faults(r -> isData(r) ? new DiskFault.Stalls() : DiskFault.NONE);
        assertThat(write(0, 2)).isEqualTo(BlockStatus.OK);
        disks[0] = disk(2);
        pool.replaceDisk(disks[0]);
        untilRedundant();
        pool.addMember(List.of(disk(3), disk(4)), true);
        pool.drain(disks[0], 0);
        while (pool.drainStatus().state() != DrainStatus.State.DONE) {
            assertThat(home.step()).as("something is left to do").isPositive();
        }
        assertThat(pool.mirrors()).hasSize(1);
        for (int i = 0; i < 100; i++) {
            home.step();
        }
        assertThat(pool.isHeld(stalled)).isTrue();
        stalled.release();
        for (int i = 0; i < 100 && pool.isHeld(stalled); i++) {
            home.step();
        }
        assertThat(pool.isHeld(stalled)).isFalse();
        assertHolds(0, 2);
    }
}
