package io.vireo.fabric.storage.pool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockStatus;
import io.vireo.block.VolumeFormat;
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
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * What a disk does to data without saying so is noticed where there are checksums, is repaired
 * where there is a copy, and is never taken for another volume's data.
 */
class SummedFaultsTest {
    private static final int CHUNK = 16 << 10;
    private static final int BLOCK = 4096;
    private static final long DISK = 8 << 20;

    private final DamageLog told = new DamageLog();
    private final Reactor home = Reactor.stepped("summed-faults");
    private List<SimulatedDisk> disks = List.of();

    /** Whether disks end requests in their order. */
    private boolean calm = true;

    private StoragePool pool = make(1);

    private final PoolOptions options() {
        return new PoolOptions(Duration.ofSeconds(1), Duration.ofDays(1), told);
    }

    private StoragePool make(int copies) {
        var made = new ArrayList<SimulatedDisk>();
        for (int i = 0; i < copies; i++) {
            var disk = new SimulatedDisk(i, new DiskImage(DISK), new DiskLog(), 1, calm);
            disk.logging(false);
            made.add(disk);
        }
        disks = made;
        StoragePool.create(
                PoolStore.CONFIG.withCopies(copies), List.<BlockDevice>copyOf(disks), home);
        return open();
    }

    private StoragePool open() {
        return StoragePool.open(List.<BlockDevice>copyOf(disks), home, options());
    }

    @BeforeEach
    void volumes() {
        volume("a");
    }

    private void volume(String name) {
        pool.createVolume(name, new VolumeFormat(1 << 20, 512, BLOCK, false, true));
    }

    private void remake(int copies) {
        pool.abandon();
        pool = make(copies);
        volume("a");
    }

    private void reopen() {
        pool.abandon();
        pool = open();
    }

    private void reopenCleanly() {
        pool.close();
        pool = open();
    }

    @AfterEach
    void close() {
        pool.abandon();
        home.close();
    }

    private BlockStatus write(String volume, long at, int fill, int length) {
        byte[] data = new byte[length];
        Arrays.fill(data, (byte) fill);
        var client = new SteppedClient(pool.device(volume), home);
        BlockStatus status = client.await(client.write(at, data, false));
        client.close();
        return status;
    }

    private void flush(String volume) {
        var client = new SteppedClient(pool.device(volume), home);
        assertThat(client.await(client.start(BlockOperation.FLUSH, 0, 0, _ -> {})))
                .isEqualTo(BlockStatus.OK);
        client.close();
    }

    private byte[] read(String volume, long at, int length) {
        var client = new SteppedClient(pool.device(volume), home);
        try {
            return client.read(at, length);
        } finally {
            client.close();
        }
    }

    private void assertUnreadable(String volume, long at, int length) {
        assertThatThrownBy(() -> read(volume, at, length))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("IO_ERROR");
    }

    /** Where a disk has blocks that are full of a byte. */
    private List<Long> places(int disk, int fill) {
        var found = new ArrayList<Long>();
        DiskImage image = disks.get(disk).contents();
        byte[] wanted = new byte[BLOCK];
        Arrays.fill(wanted, (byte) fill);
        for (long at = 0; at < image.capacity(); at += BLOCK) {
            if (Arrays.equals(image.read(at, BLOCK), wanted)) {
                found.add(at);
            }
        }
        return found;
    }

    private void once(int disk, BlockOperation operation, long length, DiskFault fault) {
        var armed = new AtomicBoolean(true);
        disks.get(disk)
                .faults(request ->
                        request.operation() == operation
                                        && (length == 0 || request.length() == length)
                                        && armed.getAndSet(false)
                                ? fault
                                : DiskFault.NONE);
    }

    @Test
    void aFlippedBitIsAnErrorAndIsNamedOnce() {
        write("a", 0, 7, CHUNK);
        disks.getFirst().contents().flip(places(0, 7).get(2) + 99, 3);
        assertThat(read("a", 0, 2 * BLOCK)).containsOnly(7);
        assertUnreadable("a", 2 * BLOCK, 512);
        assertUnreadable("a", 0, CHUNK);
        assertThat(told.damaged).containsExactly("a " + 2 * BLOCK);
        assertThat(read("a", 3 * BLOCK, BLOCK)).containsOnly(7);
        // A part of it cannot be changed; what is written as a whole is sound again.
        assertThat(write("a", 2 * BLOCK, 8, 512)).isEqualTo(BlockStatus.IO_ERROR);
        assertThat(write("a", 2 * BLOCK, 8, BLOCK)).isEqualTo(BlockStatus.OK);
        assertThat(read("a", 2 * BLOCK, BLOCK)).containsOnly(8);
    }

    @Test
    void aFlippedBitOfAReadThatIsNotOnTheMediumIsOvercome() {
        write("a", 0, 7, CHUNK);
        once(0, BlockOperation.READ, 0, new DiskFault.BitFlip(1234));
        assertThat(read("a", 0, BLOCK)).containsOnly(7);
        assertThat(told.damaged).isEmpty();
    }

    @Test
    void aFlippedBitIsNoticedAfterACleanEndAndInASnapshotAndAClone() {
        write("a", 0, 7, CHUNK);
        write("a", BLOCK, 8, BLOCK);
        pool.snapshot("a", "s");
        pool.cloneVolume("s", "c");
        reopenCleanly();
        disks.getFirst().contents().flip(places(0, 8).getFirst(), 0);
        for (String volume : List.of("a", "s", "c")) {
            assertThat(read(volume, 0, BLOCK)).containsOnly(7);
            assertUnreadable(volume, BLOCK, BLOCK);
        }
        // Another block of the chunk is written: the damaged one is copied, and stays damaged.
        assertThat(write("c", 0, 9, BLOCK)).isEqualTo(BlockStatus.OK);
        assertUnreadable("c", BLOCK, BLOCK);
    }

    @Test
    void aFlippedBitIsNoticedAfterACrashEvenWhereOtherBlocksWereWritten() {
        write("a", 0, 7, CHUNK);
        reopenCleanly();
        DiskImage sound = disks.getFirst().contents();
        sound.flip(places(0, 7).get(3), 0);
        // Another MiB is written to.
        write("a", 0x8_0000, 9, CHUNK);
        flush("a");
        reopen();
        assertUnreadable("a", 3 * BLOCK, BLOCK);
        assertThat(told.damaged).containsExactly("a " + 3 * BLOCK);
    }

    @Test
    void aLostWriteIsNoticed() {
        write("a", 0, 7, CHUNK);
        write("a", 0, 8, BLOCK);
        // The write is said to be done, and nothing of it is.
        once(0, BlockOperation.WRITE, BLOCK, new DiskFault.Torn(0));
        assertThat(write("a", 0, 9, BLOCK)).isEqualTo(BlockStatus.OK);
        assertUnreadable("a", 0, BLOCK);
    }

    @Test
    void aTornWriteThatIsSaidToBeDoneIsNoticed() {
        write("a", 0, 7, CHUNK);
        write("a", 0, 8, BLOCK);
        once(0, BlockOperation.WRITE, BLOCK, new DiskFault.Torn(512));
        assertThat(write("a", 0, 9, BLOCK)).isEqualTo(BlockStatus.OK);
        assertUnreadable("a", 0, BLOCK);
    }

    @Test
    void aMisdirectedWriteIsNoticedAtBothPlacesAndShowsNobodysData() {
        volume("b");
        write("a", 0, 7, CHUNK);
        write("b", 0, 6, CHUNK);
        write("a", 0, 7, BLOCK);
        long victim = places(0, 6).get(1);
        once(0, BlockOperation.WRITE, BLOCK, new DiskFault.Misdirected(victim));
        assertThat(write("a", 0, 9, BLOCK)).isEqualTo(BlockStatus.OK);
        assertUnreadable("a", 0, BLOCK);
        assertUnreadable("b", BLOCK, BLOCK);
        assertThat(read("b", 0, BLOCK)).containsOnly(6);
        assertThat(told.damaged).containsExactly("a 0", "b " + BLOCK);
    }

    @Test
    void aWriteThatWentAstrayIntoWhatWasNeverWrittenIsNoticed() {
        write("a", 0, 7, BLOCK);
        write("a", 0, 8, BLOCK);
        long place = places(0, 8).getFirst();
        once(0, BlockOperation.WRITE, BLOCK, new DiskFault.Misdirected(place + 2 * BLOCK));
        write("a", 0, 9, BLOCK);
        assertThat(read("a", BLOCK, BLOCK)).containsOnly(0);
        assertUnreadable("a", 2 * BLOCK, BLOCK);
    }

    @Test
    void aStaleReadIsOvercomeOrAnErrorAndNeverOldData() {
        write("a", 0, 7, CHUNK);
        disks.getFirst().markStale();
        write("a", 0, 8, CHUNK);
        once(0, BlockOperation.READ, 0, new DiskFault.Stale());
        assertThat(read("a", 0, BLOCK)).containsOnly(8);
        disks.getFirst()
                .faults(request ->
                        request.operation() == BlockOperation.READ
                                ? new DiskFault.Stale()
                                : DiskFault.NONE);
        assertUnreadable("a", 0, BLOCK);
        disks.getFirst().faults(_ -> DiskFault.NONE);
        assertThat(read("a", 0, BLOCK)).containsOnly(8);
    }

    @Test
    void aWriteThatFailedLeavesWhatTheDiskHasAndThatIsReadable() {
        write("a", 0, 7, CHUNK);
        write("a", 0, 8, BLOCK);
        once(0, BlockOperation.WRITE, BLOCK, new DiskFault.Fails(BlockStatus.IO_ERROR, 512));
        assertThat(write("a", 0, 9, BLOCK)).isEqualTo(BlockStatus.IO_ERROR);
        byte[] mixed = read("a", 0, BLOCK);
        assertThat(Arrays.copyOf(mixed, 512)).containsOnly(9);
        assertThat(Arrays.copyOfRange(mixed, 512, BLOCK)).containsOnly(8);
        assertThat(told.damaged).isEmpty();
        pool.snapshot("a", "s");
        reopen();
        assertThat(read("s", 0, BLOCK)).isEqualTo(mixed);
    }

    @Test
    void aMirrorAnswersFromTheOtherCopyAndRepairs() {
        for (int bad = 0; bad < 2; bad++) {
            remake(2);
            told.repaired.clear();
            write("a", 0, 7, CHUNK);
            long place = places(bad, 7).get(1);
            disks.get(bad).contents().flip(place, 5);
            // Reads take turns between the copies.
            for (int i = 0; i < 4; i++) {
                assertThat(read("a", BLOCK, BLOCK)).containsOnly(7);
            }
            assertThat(told.repaired).containsExactly("a " + BLOCK);
            assertThat(disks.get(bad).contents().read(place, BLOCK)).containsOnly(7);
            assertThat(told.damaged).isEmpty();
        }
    }

    @Test
    void aMirrorOfWhichNoCopyIsRightSaysSo() {
        remake(2);
        write("a", 0, 7, CHUNK);
        for (int i = 0; i < 2; i++) {
            disks.get(i).contents().flip(places(i, 7).getFirst(), i);
        }
        assertUnreadable("a", 0, BLOCK);
        assertThat(told.damaged).containsExactly("a 0");
    }

    @Test
    void aPartialWriteOverADamagedCopyTakesTheOther() {
        remake(2);
        write("a", 0, 7, CHUNK);
        disks.get(0).contents().flip(places(0, 7).getFirst(), 1);
        disks.get(1).contents().flip(places(1, 7).get(1), 1);
        assertThat(write("a", 512, 8, 512)).isEqualTo(BlockStatus.OK);
        assertThat(write("a", BLOCK + 512, 8, 512)).isEqualTo(BlockStatus.OK);
        for (int i = 0; i < 4; i++) {
            byte[] found = read("a", 0, 2 * BLOCK);
            assertThat(Arrays.copyOf(found, 512)).containsOnly(7);
            assertThat(Arrays.copyOfRange(found, 512, 1024)).containsOnly(8);
            assertThat(Arrays.copyOfRange(found, 1024, BLOCK + 512)).containsOnly(7);
        }
        assertThat(told.damaged).isEmpty();
    }

    @Test
    void aChunkThatIsCopiedIsTakenFromTheRightCopies() {
        remake(2);
        write("a", 0, 7, CHUNK);
        pool.snapshot("a", "s");
        disks.get(0).contents().flip(places(0, 7).get(2), 1);
        disks.get(1).contents().flip(places(1, 7).get(3), 1);
        write("a", 0, 8, BLOCK);
        for (int i = 0; i < 4; i++) {
            assertThat(read("a", BLOCK, CHUNK - BLOCK)).containsOnly(7);
            assertThat(read("s", 0, CHUNK)).containsOnly(7);
        }
        assertThat(told.damaged).isEmpty();
    }

    /** The other volume has the chunk alone by the time at which it is known what is right. */
    @Test
    void whatIsRepairedForAVolumeUndoesNothingThatAnotherOneHasWrittenSince() {
        calm = false;
        remake(2);
        write("a", 0, 7, CHUNK);
        pool.cloneVolume("a", "b");
        long place = places(1, 7).get(2);
        disks.get(1).contents().flip(place, 1);
        var slow = new AtomicBoolean(true);
        disks.get(1)
                .faults(request ->
                        request.operation() == BlockOperation.READ
                                        && request.length() == BLOCK
                                        && request.offset() == place
                                        && slow.getAndSet(false)
                                ? new DiskFault.Delays(Duration.ofSeconds(8).toNanos())
                                : DiskFault.NONE);
        pool.scrub(0);
        while (slow.get()) {
            assertThat(home.step()).isPositive();
        }
        pool.delete("a");
        for (int i = 0; i < 30; i++) {
            home.step();
        }
        assertThat(write("b", 2 * BLOCK, 9, BLOCK)).isEqualTo(BlockStatus.OK);
        while (pool.scrubStatus().state() == ScrubStatus.State.RUNNING) {
            assertThat(home.step()).isPositive();
        }
        for (int i = 0; i < 4; i++) {
            assertThat(read("b", 2 * BLOCK, BLOCK)).containsOnly(9);
            assertThat(read("b", 3 * BLOCK, BLOCK)).containsOnly(7);
        }
        assertThat(told.damaged).isEmpty();
    }

    @Test
    void aFlushThatLiesIsNoticedOrLosesWritesAndMixesNoVolumes() {
        for (int lost = 0; lost < 2; lost++) {
            var log = new DiskLog();
            var disk = new SimulatedDisk(0, new DiskImage(DISK), log, 1, true);
            List<DiskImage> start = List.of(disk.contents().fork());
            pool.abandon();
            disks = List.of(disk);
            StoragePool.create(PoolStore.CONFIG, List.<BlockDevice>copyOf(disks), home);
            pool = open();
            volume("a");
            volume("b");
            write("b", 0, 6, CHUNK);
            write("a", 0, 7, CHUNK);
            write("a", 0, 8, CHUNK);
            flush("a");
            disk.faults(request ->
                    request.operation() == BlockOperation.FLUSH
                            ? new DiskFault.Lies()
                            : DiskFault.NONE);
            write("a", 0, 9, CHUNK);
            pool.close();
            var point = new io.vireo.testkit.crash.CrashPoint(log, start);
            point.advanceToEnd();
            var random = new java.util.Random(lost);
            for (int i = 0; i < 30; i++) {
                DiskImage image = point.image(point.drawn(random)).getFirst();
                var after = new SimulatedDisk(0, image, new DiskLog(), 1, true);
                after.logging(false);
                disks = List.of(after);
                try {
                    pool = open();
                } catch (ResourceException e) {
                    // Noticed at once.
                    assertThat(e.getMessage()).contains("damaged");
                    continue;
                }
                assertReadableOr(7, 8, 9);
                assertThat(read("b", 0, CHUNK)).containsOnly(6);
                pool.abandon();
            }
            pool = make(1);
        }
    }

    /** Each block of the volume is one of these, or cannot be read. */
    private void assertReadableOr(int... fills) {
        for (int block = 0; block < CHUNK / BLOCK; block++) {
            byte[] found;
            try {
                found = read("a", (long) block * BLOCK, BLOCK);
            } catch (AssertionError e) {
                assertThat(e.getMessage()).contains("IO_ERROR");
                continue;
            }
            for (byte b : found) {
                assertThat(fills).contains(b);
            }
        }
    }

    @Test
    void aRollbackAcrossVolumesWithAndWithoutChecksumsIsRefused() {
        pool.createVolume("plain", new VolumeFormat(1 << 20, 512, BLOCK));
        assertThatThrownBy(() -> pool.rollback("plain", "a")).hasMessageContaining("checksums");
    }
}
