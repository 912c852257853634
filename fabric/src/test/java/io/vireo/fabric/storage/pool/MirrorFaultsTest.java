package io.vireo.fabric.storage.pool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import io.vireo.block.VolumeFormat;
import io.vireo.fabric.storage.format.MirrorHeader;
import io.vireo.fabric.storage.mirror.MirrorStatus;
import io.vireo.fabric.storage.mirror.MirrorStatus.LegState;
import io.vireo.memory.OwnMemory;
import io.vireo.reactor.Reactor;
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
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Each fault of one disk below a mirror, and of several, has one stated outcome. */
class MirrorFaultsTest {
    private static final int CHUNK = 16 << 10;
    private static final long DISK = 8 << 20;
    private static final Duration LIMIT = MirrorOptions.DEFAULT.stallLimit();
    private static final Duration HALF_A_MINUTE = Duration.ofSeconds(30);

    private final Reactor home = Reactor.stepped("mirror-faults");
    private final List<String> events = new ArrayList<>();
    private final PoolOptions options =
            new PoolOptions(
                    Duration.ofSeconds(1),
                    Duration.ofDays(1),
                    new PoolEvents() {
                        @Override
                        public void degraded(String sentence) {
                            events.add(sentence);
                        }

                        @Override
                        public void redundant() {
                            events.add("redundant");
                        }
                    });
    private SimulatedDisk[] disks = {disk(0), disk(1)};
    private StoragePool pool;
    private SteppedClient client;

    @BeforeEach
    void create() {
        StoragePool.create(PoolStore.CONFIG.withCopies(2), List.<BlockDevice>of(disks), home);
        open();
        pool.createVolume("v", new VolumeFormat(1 << 20, 512, 4096));
        client = new SteppedClient(pool.device("v"), home);
        assertThat(write(0, 1)).isEqualTo(BlockStatus.OK);
        assertThat(flush()).isEqualTo(BlockStatus.OK);
    }

    @AfterEach
    void end() {
        for (SimulatedDisk disk : disks) {
            disk.faults(_ -> DiskFault.NONE);
            disk.comeBack();
        }
        close();
        home.close();
    }

    private static SimulatedDisk disk(int number) {
        return disk(number, new DiskImage(DISK));
    }

    private static SimulatedDisk disk(int number, DiskImage image) {
        var disk = new SimulatedDisk(number, image, new DiskLog(), 1, true);
        disk.logging(false);
        return disk;
    }

    private void open() {
        pool = StoragePool.open(List.<BlockDevice>of(disks), home, options);
    }

    private void open(boolean alone, SimulatedDisk... here) {
        pool =
                StoragePool.open(
                        List.<BlockDevice>of(here),
                        home,
                        options.with(new MirrorOptions(alone, 0)));
        client = new SteppedClient(pool.device("v"), home);
    }

    private void close() {
        client.close();
        pool.abandon();
    }

    private BlockStatus write(int chunk, int value) {
        byte[] data = new byte[CHUNK];
        Arrays.fill(data, (byte) value);
        return client.await(client.write((long) chunk * CHUNK, data, false));
    }

    private BlockStatus flush() {
        return client.await(client.start(BlockOperation.FLUSH, 0, 0, _ -> {}));
    }

    private void assertHolds(int chunk, int value) {
        assertThat(client.read((long) chunk * CHUNK, CHUNK)).containsOnly(value);
    }

    private MirrorStatus mirror() {
        return pool.mirrors().getFirst();
    }

    private List<LegState> states() {
        return mirror().legs().stream().map(MirrorStatus.Leg::state).toList();
    }

    private void untilRedundant() {
        for (int i = 0; i < 100_000 && !mirror().isRedundant(); i++) {
            assertThat(home.step()).as("something is left to do").isPositive();
        }
        assertThat(mirror().isRedundant()).isTrue();
    }

    private void assertEqualCopies() {
        close();
        for (long at = MirrorHeader.DATA; at < DISK; at += 4096) {
            assertThat(disks[1].contents().read(at, 4096))
                    .as("block at %d", at)
                    .isEqualTo(disks[0].contents().read(at, 4096));
        }
        open(false, disks);
    }

    private void fail(int disk, BlockOperation operation, DiskFault fault) {
        disks[disk].faults(r -> r.operation() == operation ? fault : DiskFault.NONE);
    }

    /** The next request of a length that is no flush goes wrong, and no other. */
    private void once(int disk, int length, DiskFault fault) {
        var armed = new AtomicBoolean(true);
        disks[disk].faults(
                r -> r.length() == length && armed.getAndSet(false) ? fault : DiskFault.NONE);
    }

    private void heal() {
        for (SimulatedDisk disk : disks) {
            disk.faults(_ -> DiskFault.NONE);
        }
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
            pool.scrub(0);
            while (pool.scrubStatus().state() == ScrubStatus.State.RUNNING) {
                assertThat(home.step()).isPositive();
            }
            assertThat(pool.scrubStatus().different()).isPositive();
            assertThat(write(0, 1)).isEqualTo(BlockStatus.OK);
        }
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
        stall(0, MirrorFaultsTest::isData, HALF_A_MINUTE);
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
        var reads = new ArrayList<CompletableFuture<BlockStatus>>();
        for (int i = 0; i < 2; i++) {
            OwnMemory memory = OwnMemory.allocate(CHUNK);
            reads.add(
                    client.start(
                            BlockOperation.READ,
                            0,
                            CHUNK,
                            r -> r.data().add(memory.address(), CHUNK)));
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
        assertThat(now() - began).isGreaterThanOrEqualTo(HALF_A_MINUTE.toNanos());
        untilRedundant();
        assertEqualCopies();
        assertHolds(0, 2);
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

    private void assertEqualCopiesWhileOpen() {
        assertThat(flush()).isEqualTo(BlockStatus.OK);
        for (long at = MirrorHeader.DATA; at < DISK; at += 4096) {
            assertThat(disks[1].contents().read(at, 4096))
                    .as("block at %d", at)
                    .isEqualTo(disks[0].contents().read(at, 4096));
        }
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
            BlockStatus status =
                    client.await(
                            client.start(
                                    operation,
                                    0,
                                    512,
                                    r -> {
                                        OwnMemory memory = OwnMemory.allocate(512);
                                        r.data().add(memory.address(), 512);
                                    }));
            assertThat(status).isEqualTo(BlockStatus.MEMORY_FAULT);
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
