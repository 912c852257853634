package io.vireo.fabric.storage.pool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockStatus;
import io.vireo.block.VolumeFormat;
import io.vireo.fabric.storage.format.MirrorHeader;
import io.vireo.fabric.storage.mirror.MirrorStatus;
import io.vireo.fabric.storage.mirror.MirrorStatus.LegState;
import io.vireo.memory.OwnMemory;
import io.vireo.resource.ResourceException;
import io.vireo.testkit.crash.DiskFault;
import io.vireo.testkit.crash.DiskImage;
import io.vireo.testkit.crash.DiskLog;
import io.vireo.testkit.crash.SimulatedDisk;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** Each fault of one disk below a mirror, and of several, has one stated outcome. */
class MirrorFaultsTest extends MirrorBed {
    /** Each of these reads makes the range equal again, while the resync does not. */
    @Test
    void aWriteWhereDisksMayDifferHasItsTurnThoughThereAreAlwaysReads() {
        pool.pauseResync(true);
        for (int i = 0; i < 2; i++) {
            DiskFault part = new DiskFault.Fails(BlockStatus.IO_ERROR, 512 << i);
            disks[i].faults(r ->
                    r.operation() == BlockOperation.WRITE && r.length() == CHUNK
                            ? part
                            : DiskFault.NONE);
        }
        assertThat(write(0, 2)).isEqualTo(BlockStatus.IO_ERROR);
        heal();
        List<CompletableFuture<byte[]>> reads = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            reads.add(beginRead(0));
        }
        while (reads.stream().noneMatch(CompletableFuture::isDone)) {
            assertThat(home.step()).isPositive();
        }
        byte[] data = new byte[CHUNK];
        Arrays.fill(data, (byte) 3);
        CompletableFuture<BlockStatus> write = client.write(0, data, false);
        for (int ended = 0; ended < 200 && !write.isDone(); ) {
            assertThat(home.step()).isPositive();
            for (int i = 0; i < reads.size(); i++) {
                if (reads.get(i).isDone()) {
                    ended++;
                    reads.set(i, beginRead(0));
                }
            }
        }
        assertThat(write).isCompletedWithValue(BlockStatus.OK);
        reads.forEach(client::await);
        assertHolds(0, 3);
        pool.pauseResync(false);
        while (mirror().toCopyBytes() > 0) {
            assertThat(home.step()).isPositive();
        }
        assertEqualCopies();
    }

    private CompletableFuture<byte[]> beginRead(int chunk) {
        OwnMemory memory = OwnMemory.allocate(CHUNK);
        return client.start(
                        BlockOperation.READ,
                        (long) chunk * CHUNK,
                        CHUNK,
                        r -> r.data().add(memory.address(), CHUNK))
                .thenApply(status -> {
                    assertThat(status).isEqualTo(BlockStatus.OK);
                    byte[] data = memory.bytes(0, CHUNK);
                    memory.close();
                    return data;
                });
    }

    @Test
    void aDiskThatFailsAWriteIsLeftOutAndComesBack() {
        for (int disk = 0; disk < 2; disk++) {
            fail(disk, BlockOperation.WRITE, DiskFault.eio());
            assertThat(write(0, 2 + disk)).isEqualTo(BlockStatus.OK);
            assertThat(flush()).isEqualTo(BlockStatus.OK);
            assertThat(states().get(disk)).isEqualTo(LegState.FAILED);
            assertThat(states().get(1 - disk)).isEqualTo(LegState.IN_SYNC);
            assertThat(events.getLast()).contains("disk " + disk).contains("replace it");
            assertHolds(0, 2 + disk);
            heal();
            untilRedundant();
            assertThat(events.getLast()).isEqualTo("redundant");
            assertEqualCopies();
            assertHolds(0, 2 + disk);
        }
    }

    @Test
    void aDiskThatFailsOneWriteInPartOrForWantOfRoomIsLeftOutAndComesBack() {
        for (BlockStatus status : List.of(BlockStatus.IO_ERROR, BlockStatus.NO_SPACE)) {
            once(0, CHUNK, new DiskFault.Fails(status, 512));
            assertThat(write(0, 7)).isEqualTo(BlockStatus.OK);
            assertThat(states()).containsExactly(LegState.FAILED, LegState.IN_SYNC);
            assertHolds(0, 7);
            assertThat(flush()).isEqualTo(BlockStatus.OK);
            untilRedundant();
            assertEqualCopies();
            assertHolds(0, 7);
        }
    }

    @Test
    void whatADiskChangesUnnoticedIsReadAndToldByAScrub() {
        var faults =
                List.of(
                        new DiskFault.Torn(4096),
                        new DiskFault.Misdirected(place(1) + 8 * CHUNK),
                        new DiskFault.Torn(0));
        for (DiskFault fault : faults) {
            once(0, CHUNK, fault);
            assertThat(write(0, 2)).isEqualTo(BlockStatus.OK);
            heal();
            assertThat(mirror().isRedundant()).isTrue();
            for (int i = 0; i < 4; i++) {
                for (byte each : client.read(0, CHUNK)) {
                    assertThat(each).isIn((byte) 1, (byte) 2);
                }
            }
            assertScrubFindsDifferences();
            assertThat(write(0, 1)).isEqualTo(BlockStatus.OK);
        }
    }

    @Test
    void aBitThatADiskChangesIsReadAndToldByAScrub() {
        disks[0].contents().flip(place(1), 3);
        for (int i = 0; i < 4; i++) {
            for (byte each : client.read(0, CHUNK)) {
                assertThat(each).isIn((byte) 1, (byte) (1 ^ 1 << 3));
            }
        }
        assertThat(mirror().isRedundant()).isTrue();
        assertScrubFindsDifferences();
    }

    private void assertScrubFindsDifferences() {
        pool.scrub(0);
        while (pool.scrubStatus().state() == ScrubStatus.State.RUNNING) {
            assertThat(home.step()).isPositive();
        }
        assertThat(pool.scrubStatus().different()).isPositive();
    }

    @Test
    void whatADiskLacksIsAcknowledgedOnlyWhenThatIsDurable() {
        for (BlockOperation operation : List.of(BlockOperation.WRITE, BlockOperation.FLUSH)) {
            fail(0, operation, DiskFault.eio());
            disks[1].stallAgain();
            var stall = new AtomicBoolean(true);
            disks[1].faults(r -> {
                boolean header =
                        r.operation() == BlockOperation.WRITE
                                && (r.offset() == MirrorHeader.PLACES[0]
                                        || r.offset() == MirrorHeader.PLACES[1]);
                return header && stall.get() ? new DiskFault.Stalls() : DiskFault.NONE;
            });
            CompletableFuture<BlockStatus> change =
                    operation == BlockOperation.WRITE
                            ? client.write(0, new byte[CHUNK], false)
                            : client.start(BlockOperation.FLUSH, 0, 0, _ -> {});
            for (int i = 0; i < 100; i++) {
                home.step();
            }
            assertThat(change).isNotDone();
            assertThat(client.read(0, CHUNK)).hasSize(CHUNK);
            stall.set(false);
            disks[1].release();
            assertThat(client.await(change)).isEqualTo(BlockStatus.OK);
            assertThat(events.getFirst()).contains("disk 0");
            heal();
            untilRedundant();
        }
    }

    @Test
    void aCopyThatIsOutOfDateIsNeverRead() {
        disks[0].vanish();
        assertThat(write(0, 2)).isEqualTo(BlockStatus.OK);
        assertThat(flush()).isEqualTo(BlockStatus.OK);
        client.close();
        pool.abandon();
        disks[0].comeBack();
        assertThatThrownBy(() -> open(false, disks[0]))
                .isInstanceOf(ResourceException.class)
                .hasMessageContaining("missing");
        open(false, disks[1]);
        assertHolds(0, 2);
        close();
        open(false, disks);
        assertHolds(0, 2);
        untilRedundant();
        assertEqualCopies();
    }

    @Test
    void aReadThatFailsIsCarriedOutElsewhereAndRepaired() {
        long data = place(1);
        var repairs = new AtomicInteger();
        disks[0].faults(r -> {
            boolean there = r.offset() <= data && data < r.offset() + r.length();
            repairs.addAndGet(there && r.operation() == BlockOperation.WRITE ? 1 : 0);
            boolean fails = there && repairs.get() == 0 && r.operation() == BlockOperation.READ;
            return fails ? DiskFault.eio() : DiskFault.NONE;
        });
        for (int i = 0; i < 4; i++) {
            assertHolds(0, 1);
        }
        while (repairs.get() == 0) {
            assertThat(home.step()).isPositive();
        }
        assertThat(mirror().isRedundant()).isTrue();
        assertEqualCopies();
    }

    /** Where the first block on both disks is that has only one value. */
    private long place(int value) {
        for (long at = MirrorHeader.DATA; at < DISK; at += 4096) {
            byte[] block = disks[0].contents().read(at, 4096);
            if (block[0] == value && block[4095] == value && block[100] == value) {
                return at;
            }
        }
        throw new AssertionError("the value is nowhere");
    }

    @Test
    void aDiskThatCanNeitherReadNorBeRepairedIsLeftOut() {
        disks[0].faults(
                r -> r.operation() == BlockOperation.FLUSH ? DiskFault.NONE : DiskFault.eio());
        for (int i = 0; i < 4; i++) {
            assertHolds(0, 1);
        }
        for (int i = 0; i < 1000 && states().get(0) != LegState.FAILED; i++) {
            home.step();
        }
        assertThat(states()).containsExactly(LegState.FAILED, LegState.IN_SYNC);
        assertHolds(0, 1);
    }

    @Test
    void aDiskThatFailsAFlushIsLeftOutAndTheFlushSucceeds() {
        assertThat(write(0, 2)).isEqualTo(BlockStatus.OK);
        fail(1, BlockOperation.FLUSH, DiskFault.eio());
        assertThat(flush()).isEqualTo(BlockStatus.OK);
        assertThat(states()).containsExactly(LegState.IN_SYNC, LegState.FAILED);
        heal();
        untilRedundant();
        assertEqualCopies();
        assertHolds(0, 2);
    }

    @Test
    void aFlushThatFailsOnAllDisksNeverTurnsIntoSuccess() {
        assertThat(write(0, 2)).isEqualTo(BlockStatus.OK);
        fail(0, BlockOperation.FLUSH, DiskFault.eio());
        fail(1, BlockOperation.FLUSH, DiskFault.eio());
        assertThat(flush()).isEqualTo(BlockStatus.IO_ERROR);
        heal();
        assertThat(flush()).isEqualTo(BlockStatus.IO_ERROR);
        assertThat(pool.trouble()).contains("flush");
    }

    @Test
    void aWriteThatFailsOnAllDisksReadsTheSameFromThenOn() {
        once(0, CHUNK, new DiskFault.Fails(BlockStatus.IO_ERROR, 512));
        once(1, CHUNK, new DiskFault.Fails(BlockStatus.IO_ERROR, 4096));
        assertThat(write(0, 2)).isEqualTo(BlockStatus.IO_ERROR);
        byte[] first = client.read(0, CHUNK);
        for (int i = 0; i < 8; i++) {
            assertThat(client.read(0, CHUNK)).isEqualTo(first);
        }
        assertThat(mirror().isRedundant()).isTrue();
        assertThat(flush()).isEqualTo(BlockStatus.OK);
        assertEqualCopies();
        assertThat(client.read(0, CHUNK)).isEqualTo(first);
    }

    @Test
    void theClientsFaultIsNotThatOfADisk() {
        for (BlockOperation operation : List.of(BlockOperation.READ, BlockOperation.WRITE)) {
            once(0, 512, new DiskFault.Fails(BlockStatus.MEMORY_FAULT, 0));
            once(1, 512, new DiskFault.Fails(BlockStatus.MEMORY_FAULT, 0));
            try (OwnMemory memory = OwnMemory.allocate(512)) {
                CompletableFuture<BlockStatus> request =
                        client.start(operation, 0, 512, r -> r.data().add(memory.address(), 512));
                assertThat(client.await(request)).isEqualTo(BlockStatus.MEMORY_FAULT);
            }
            assertThat(mirror().isRedundant()).isTrue();
            heal();
        }
        assertThat(events).isEmpty();
        assertThat(write(0, 5)).isEqualTo(BlockStatus.OK);
        assertEqualCopies();
    }

    @Test
    void memoryThatChangesWhileItIsWrittenGoesToAllDisksAlike() {
        for (int i = 0; i < 20; i++) {
            OwnMemory memory = OwnMemory.allocate(CHUNK);
            memory.fill(0, CHUNK, (byte) 7);
            CompletableFuture<BlockStatus> write =
                    client.start(
                            BlockOperation.WRITE,
                            0,
                            CHUNK,
                            r -> r.data().add(memory.address(), CHUNK));
            for (int step = 0; !write.isDone(); step++) {
                home.step();
                memory.fill(0, CHUNK, (byte) (step + i));
            }
            assertThat(write.join()).isEqualTo(BlockStatus.OK);
            memory.close();
        }
        assertThat(flush()).isEqualTo(BlockStatus.OK);
        assertEqualCopies();
    }

    @Test
    void aMissingDiskNeedsADecisionAndGetsWhatItLacksLater() {
        close();
        assertThatThrownBy(() -> open(false, disks[1]))
                .isInstanceOf(ResourceException.class)
                .hasMessageContaining("disk 0")
                .hasMessageContaining("missing");
        open(true, disks[1]);
        assertHolds(0, 1);
        assertThat(write(0, 3)).isEqualTo(BlockStatus.OK);
        assertThat(flush()).isEqualTo(BlockStatus.OK);
        assertThat(states()).containsExactly(LegState.ABSENT, LegState.IN_SYNC);
        // Decided once is enough.
        close();
        open(false, disks[1]);
        // The disk is plugged in again while the pool is open.
        pool.replaceDisk(disks[0]);
        untilRedundant();
        assertEqualCopies();
        assertHolds(0, 3);
    }

    @Test
    void disksThatWereEachUsedAloneAreNotPutTogether() {
        close();
        open(true, disks[0]);
        assertThat(write(0, 5)).isEqualTo(BlockStatus.OK);
        close();
        open(true, disks[1]);
        assertThat(write(0, 6)).isEqualTo(BlockStatus.OK);
        close();
        assertThatThrownBy(() -> open(true, disks))
                .isInstanceOf(ResourceException.class)
                .hasMessageContaining("each used without the other");
        open(false, disks[1]);
        assertHolds(0, 6);
    }

    @Test
    void anOldImageOfADiskIsNotTakenForThatDisk() {
        DiskImage old = disks[0].contents().fork();
        assertThat(write(0, 9)).isEqualTo(BlockStatus.OK);
        assertThat(flush()).isEqualTo(BlockStatus.OK);
        close();
        open(false, disks);
        close();
        disks[0] = disk(0, old);
        open(false, disks);
        assertThat(states()).containsExactly(LegState.SYNCING, LegState.IN_SYNC);
        assertHolds(0, 9);
        untilRedundant();
        assertEqualCopies();
        assertHolds(0, 9);
    }

    @Test
    void anEmptyDiskTakesThePlaceOfOneThatFailedAtALimitedRate() {
        disks[0].vanish();
        assertThat(write(0, 4)).isEqualTo(BlockStatus.OK);
        var other = disk(0);
        pool.resyncRate(1 << 20);
        long began = HomeIo.on(home, home::nanoTime);
        pool.replaceDisk(other);
        disks = new SimulatedDisk[] {other, disks[1]};
        for (int i = 0; i < 10_000 && mirror().copiedBytes() < 1 << 20; i++) {
            home.step();
        }
        assertThat(states()).containsExactly(LegState.SYNCING, LegState.IN_SYNC);
        assertThat(mirror().toCopyBytes()).isGreaterThan(mirror().copiedBytes());
        pool.pauseResync(true);
        for (int i = 0; i < 1000; i++) {
            home.step();
        }
        long held = mirror().copiedBytes();
        assertThat(write(1, 4)).isEqualTo(BlockStatus.OK);
        assertThat(mirror().copiedBytes()).isEqualTo(held);
        assertThat(mirror().paused()).isTrue();
        pool.pauseResync(false);
        untilRedundant();
        assertThat(flush()).isEqualTo(BlockStatus.OK);
        // 6 MiB at 1 MiB/s, by the clock of the reactor.
        assertThat(HomeIo.on(home, home::nanoTime) - began)
                .isGreaterThan(Duration.ofSeconds(5).toNanos());
        assertEqualCopies();
        assertHolds(0, 4);
        assertHolds(1, 4);
    }

    @Test
    void whatNobodyLacksAndWhatIsTakenIsRefused() {
        assertThatThrownBy(() -> pool.replaceDisk(disk(2)))
                .hasMessageContaining("no mirror of the pool lacks a disk");
        assertThatThrownBy(() -> pool.replaceDisk(disks[0]))
                .hasMessageContaining("belongs to a pool already");
        assertThatThrownBy(() -> pool.addMember(disk(2), true)).hasMessageContaining("2 disks");
        assertThatThrownBy(() ->
                        StoragePool.create(
                                PoolStore.CONFIG.withCopies(2),
                                List.of(disk(2), disk(3), disk(4)),
                                home))
                .hasMessageContaining("name 2 or 4");
        assertThatThrownBy(() ->
                        StoragePool.create(PoolStore.CONFIG, List.<BlockDevice>of(disks), home))
                .hasMessageContaining("belongs to a pool already");
        disks[0].vanish();
        assertThat(write(0, 2)).isEqualTo(BlockStatus.OK);
        var small = new SimulatedDisk(2, new DiskImage(4 << 20), new DiskLog(), 1, true);
        assertThatThrownBy(() -> pool.replaceDisk(small)).hasMessageContaining("needs");
    }

    @Test
    void writesInSteadyStateCostNoIntent() {
        var intents = new AtomicInteger();
        for (SimulatedDisk disk : disks) {
            disk.faults(r -> {
                boolean intent =
                        r.operation() == BlockOperation.WRITE
                                && r.offset() >= MirrorHeader.INTENT
                                && r.offset() < MirrorHeader.DATA;
                intents.addAndGet(intent ? 1 : 0);
                return DiskFault.NONE;
            });
        }
        assertThat(write(0, 2)).isEqualTo(BlockStatus.OK);
        int before = intents.get();
        for (int i = 0; i < 100; i++) {
            assertThat(write(0, i)).isEqualTo(BlockStatus.OK);
        }
        assertThat(intents.get()).isEqualTo(before);
        assertThat(mirror().dirtyBytes()).isPositive();
        // Nothing happens for some time.
        for (int i = 0; i < 1000 && mirror().dirtyBytes() > 0; i++) {
            home.step();
        }
        assertThat(mirror().dirtyBytes()).isZero();
        assertThat(intents.get()).isGreaterThan(before);
    }

    @Test
    void aMirrorGetsAnotherOneBesideIt() {
        var third = disk(2);
        var fourth = disk(3);
        pool.addMember(List.of(third, fourth), true);
        pool.createVolume("w", new VolumeFormat(8 << 20, 512, 4096));
        var other = new SteppedClient(pool.device("w"), home);
        byte[] data = new byte[CHUNK];
        Arrays.fill(data, (byte) 0x33);
        for (int i = 0; i < 400; i++) {
            assertThat(other.await(other.write((long) i * CHUNK, data, false)))
                    .isEqualTo(BlockStatus.OK);
        }
        other.close();
        close();
        open(false, fourth, disks[1], disks[0], third);
        assertThat(pool.mirrors()).hasSize(2).allMatch(MirrorStatus::isRedundant);
        assertHolds(0, 1);
        disks[1].vanish();
        third.vanish();
        assertThat(write(0, 2)).isEqualTo(BlockStatus.OK);
        assertHolds(0, 2);
    }
}
