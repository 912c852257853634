package io.vireo.fabric.storage.pool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import io.vireo.block.VolumeFormat;
import io.vireo.memory.OwnMemory;
import io.vireo.reactor.PollMode;
import io.vireo.reactor.Reactor;
import io.vireo.reactor.ReactorConfig;
import io.vireo.resource.ResourceException;
import io.vireo.testkit.BlockClient;
import io.vireo.testkit.crash.DiskFault;
import io.vireo.testkit.crash.DiskImage;
import io.vireo.testkit.crash.DiskLog;
import io.vireo.testkit.crash.SimulatedDisk;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Each fault of a disk below a pool has one stated outcome. */
class PoolFaultsTest {
    private static final int CHUNK = 16 << 10;

    /** Maps become durable only when somebody flushes. */
    private static final PoolOptions OPTIONS =
            new PoolOptions(Duration.ofSeconds(1), Duration.ofDays(1), new PoolEvents() {});

    private final Reactor home =
            Reactor.start(new ReactorConfig("pool-faults", -1, PollMode.ADAPTIVE));
    private SimulatedDisk disk = quiet(new DiskImage(8 << 20));
    private StoragePool pool;

    @BeforeEach
    void create() {
        StoragePool.create(PoolStore.CONFIG, List.of(disk), home);
        pool = open(disk);
        pool.createVolume("a", new VolumeFormat(1 << 20, 512, 4096));
        write("a", 0, 1, 4 * CHUNK);
        assertThat(flush("a")).isEqualTo(BlockStatus.OK);
    }

    @AfterEach
    void close() {
        disk.faults(_ -> DiskFault.NONE);
        disk.release();
        pool.abandon();
        home.close();
    }

    private static SimulatedDisk quiet(DiskImage image) {
        var disk = new SimulatedDisk(0, image, new DiskLog(), 1, true);
        disk.logging(false);
        return disk;
    }

    private StoragePool open(BlockDevice member) {
        return StoragePool.open(List.of(member), home, OPTIONS);
    }

    private void reopen() {
        pool.abandon();
        pool = open(disk);
    }

    private BlockStatus write(String volume, long at, int fill, int length) {
        byte[] data = new byte[length];
        Arrays.fill(data, (byte) fill);
        try (var client = new BlockClient(pool.device(volume), home)) {
            return client.write(at, data);
        }
    }

    private BlockStatus flush(String volume) {
        try (var client = new BlockClient(pool.device(volume), home)) {
            return client.run(BlockOperation.FLUSH, 0, 0);
        }
    }

    private byte[] read(String volume, long at, int length) {
        try (var client = new BlockClient(pool.device(volume), home)) {
            return client.read(at, length);
        }
    }

    private void assertFlushedDataIsThere() {
        assertThat(read("a", 0, 4 * CHUNK)).containsOnly(1);
    }

    /** The next request of a kind goes wrong, and no other. */
    private void once(BlockOperation operation, DiskFault fault) {
        var armed = new AtomicBoolean(true);
        disk.faults(request ->
                request.operation() == operation && armed.getAndSet(false)
                        ? fault
                        : DiskFault.NONE);
    }

    private void always(Predicate<BlockRequest> which, DiskFault fault) {
        disk.faults(request -> which.test(request) ? fault : DiskFault.NONE);
    }

    @Test
    void aReadThatFailsOnceFailsOneRequest() {
        once(BlockOperation.READ, DiskFault.eio());
        assertThatThrownBy(() -> read("a", 0, CHUNK)).hasMessageContaining("IO_ERROR");
        assertFlushedDataIsThere();
        assertThat(pool.trouble()).isEmpty();
    }

    @Test
    void aWriteInPlaceThatFailsFailsOneRequestAndMayBeRepeated() {
        once(BlockOperation.WRITE, new DiskFault.Fails(BlockStatus.IO_ERROR, 512));
        assertThat(write("a", 0, 2, CHUNK)).isEqualTo(BlockStatus.IO_ERROR);
        byte[] mixed = read("a", 0, CHUNK);
        assertThat(mixed).isEqualTo(read("a", 0, CHUNK));
        assertThat(Arrays.copyOfRange(mixed, 512, CHUNK)).containsOnly(1);
        assertThat(write("a", 0, 3, CHUNK)).isEqualTo(BlockStatus.OK);
        assertThat(flush("a")).isEqualTo(BlockStatus.OK);
        reopen();
        assertThat(read("a", 0, CHUNK)).containsOnly(3);
    }

    @Test
    void aDiskThatFailsForEverFailsEachRequestAndIsWellWhenItIs() {
        for (BlockOperation operation : List.of(BlockOperation.READ, BlockOperation.WRITE)) {
            always(r -> r.operation() == operation, DiskFault.eio());
            for (int i = 0; i < 3; i++) {
                if (operation == BlockOperation.READ) {
                    assertThatThrownBy(() -> read("a", 0, CHUNK)).hasMessageContaining("IO_ERROR");
                } else {
                    assertThat(write("a", 0, 2, CHUNK)).isEqualTo(BlockStatus.IO_ERROR);
                }
            }
            disk.faults(_ -> DiskFault.NONE);
            assertFlushedDataIsThere();
            assertThat(pool.trouble()).isEmpty();
        }
        assertThat(write("a", 0, 2, CHUNK)).isEqualTo(BlockStatus.OK);
        assertThat(flush("a")).isEqualTo(BlockStatus.OK);
    }

    @Test
    void aTornWriteThatIsSaidToBeDoneIsAMixture() {
        once(BlockOperation.WRITE, new DiskFault.Torn(4096));
        assertThat(write("a", 0, 2, CHUNK)).isEqualTo(BlockStatus.OK);
        byte[] mixed = read("a", 0, CHUNK);
        assertThat(Arrays.copyOf(mixed, 4096)).containsOnly(2);
        assertThat(Arrays.copyOfRange(mixed, 4096, CHUNK)).containsOnly(1);
        assertThat(read("a", CHUNK, 3 * CHUNK)).containsOnly(1);
    }

    @Test
    void aBitThatRotsIsOneWrongBit() {
        once(BlockOperation.READ, new DiskFault.BitFlip(1234));
        byte[] data = read("a", 0, CHUNK);
        assertThat(data[1234 / 8]).isEqualTo((byte) (1 ^ 1 << 1234 % 8));
        assertFlushedDataIsThere();
    }

    @Test
    void aWriteOfDataThatGoesAstrayLeavesOldDataAndChangesNothingElseThanItHit() {
        pool.createVolume("b", new VolumeFormat(1 << 20, 512, 4096));
        assertThat(write("b", 0, 5, 2 * CHUNK)).isEqualTo(BlockStatus.OK);
        assertThat(flush("b")).isEqualTo(BlockStatus.OK);
        var place = new AtomicLong();
        disk.faults(r -> {
            place.compareAndSet(0, r.offset());
            return DiskFault.NONE;
        });
        assertThat(read("b", 0, CHUNK)).containsOnly(5);
        once(BlockOperation.WRITE, new DiskFault.Misdirected(place.get()));
        assertThat(write("a", 0, 2, CHUNK)).isEqualTo(BlockStatus.OK);
        assertFlushedDataIsThere();
        assertThat(read("b", 0, CHUNK)).containsOnly(2);
        assertThat(read("b", CHUNK, CHUNK)).containsOnly(5);
        reopen();
        assertFlushedDataIsThere();
    }

    @Test
    void aWriteThatStallsHoldsUpNothingElse() throws Exception {
        var first = new AtomicBoolean(true);
        always(
                r -> r.operation() == BlockOperation.WRITE && first.getAndSet(false),
                new DiskFault.Stalls());
        try (var client = new BlockClient(pool.device("a"), home);
                var memory = OwnMemory.allocate(CHUNK)) {
            CompletableFuture<BlockStatus> stalled =
                    client.start(
                            BlockOperation.WRITE,
                            0,
                            CHUNK,
                            r -> r.data().add(memory.address(), CHUNK));
            assertThat(write("a", CHUNK, 2, CHUNK)).isEqualTo(BlockStatus.OK);
            assertThat(write("a", 8 * CHUNK, 3, CHUNK)).isEqualTo(BlockStatus.OK);
            assertThat(flush("a")).isEqualTo(BlockStatus.OK);
            assertThat(read("a", 8 * CHUNK, CHUNK)).containsOnly(3);
            assertThat(stalled).isNotDone();
            disk.release();
            assertThat(stalled.get(60, TimeUnit.SECONDS)).isEqualTo(BlockStatus.OK);
        }
        assertThat(read("a", 0, CHUNK)).containsOnly(0);
    }

    @Test
    void aFirstWriteThatFailsLeavesWhatWasThere() {
        once(BlockOperation.WRITE, new DiskFault.Fails(BlockStatus.IO_ERROR, 4096));
        assertThat(write("a", 8 * CHUNK, 2, CHUNK)).isEqualTo(BlockStatus.IO_ERROR);
        assertThat(read("a", 8 * CHUNK, CHUNK)).containsOnly(0);
        assertThat(flush("a")).isEqualTo(BlockStatus.OK);
        assertThat(write("a", 8 * CHUNK, 2, 4096)).isEqualTo(BlockStatus.OK);
        assertThat(read("a", 8 * CHUNK + 4096, CHUNK - 4096)).containsOnly(0);
        assertThat(pool.trouble()).isEmpty();
    }

    @Test
    void aMemberThatIsFullFailsTheWriteAndNothingElse() {
        once(BlockOperation.WRITE, new DiskFault.Fails(BlockStatus.NO_SPACE, 0));
        assertThat(write("a", 9 * CHUNK, 2, CHUNK)).isEqualTo(BlockStatus.NO_SPACE);
        assertFlushedDataIsThere();
        assertThat(write("a", 9 * CHUNK, 2, CHUNK)).isEqualTo(BlockStatus.OK);
        once(BlockOperation.WRITE, new DiskFault.Fails(BlockStatus.NO_SPACE, 0));
        assertThat(write("a", 9 * CHUNK, 3, 4096)).isEqualTo(BlockStatus.NO_SPACE);
        assertThat(write("a", 9 * CHUNK, 3, 4096)).isEqualTo(BlockStatus.OK);
        pool.snapshot("a", "s");
        once(BlockOperation.WRITE, new DiskFault.Fails(BlockStatus.NO_SPACE, 0));
        assertThat(write("a", 9 * CHUNK, 4, 4096)).as("a copy").isEqualTo(BlockStatus.NO_SPACE);
        assertThat(write("a", 9 * CHUNK, 4, 4096)).isEqualTo(BlockStatus.OK);
        assertThat(flush("a")).isEqualTo(BlockStatus.OK);
    }

    @Test
    void aFailedFlushNeverTurnsIntoSuccess() {
        assertThat(write("a", 0, 2, CHUNK)).isEqualTo(BlockStatus.OK);
        once(BlockOperation.FLUSH, DiskFault.eio());
        assertThat(flush("a")).isEqualTo(BlockStatus.IO_ERROR);
        assertThat(flush("a")).isEqualTo(BlockStatus.IO_ERROR);
        assertThat(write("a", 0, 3, CHUNK)).isEqualTo(BlockStatus.IO_ERROR);
        assertThat(pool.trouble()).contains("flush").contains("restart");
        assertThatThrownBy(() -> pool.snapshot("a", "s")).isInstanceOf(ResourceException.class);
        assertThat(read("a", CHUNK, 3 * CHUNK)).containsOnly(1);
        reopen();
        assertThat(pool.trouble()).isEmpty();
        assertThat(read("a", CHUNK, 3 * CHUNK)).containsOnly(1);
        assertThat(flush("a")).isEqualTo(BlockStatus.OK);
    }

    @Test
    void aJournalThatCannotBeWrittenFailsTheFlushForEver() {
        assertThat(write("a", 8 * CHUNK, 2, CHUNK)).isEqualTo(BlockStatus.OK);
        once(BlockOperation.WRITE, new DiskFault.Fails(BlockStatus.IO_ERROR, 512));
        assertThat(flush("a")).isEqualTo(BlockStatus.IO_ERROR);
        assertThat(flush("a")).isEqualTo(BlockStatus.IO_ERROR);
        assertThat(pool.trouble()).isNotEmpty();
        assertFlushedDataIsThere();
        reopen();
        assertThat(pool.trouble()).isEmpty();
        assertFlushedDataIsThere();
    }

    @Test
    void aCheckpointThatCannotBeWrittenIsNotTaken() {
        assertThat(write("a", 8 * CHUNK, 2, CHUNK)).isEqualTo(BlockStatus.OK);
        assertThat(flush("a")).isEqualTo(BlockStatus.OK);
        always(r -> r.operation() == BlockOperation.WRITE, DiskFault.eio());
        assertThatThrownBy(() -> pool.checkpoint()).isInstanceOf(ResourceException.class);
        disk.faults(_ -> DiskFault.NONE);
        reopen();
        assertFlushedDataIsThere();
        assertThat(read("a", 8 * CHUNK, CHUNK)).containsOnly(2);
    }

    @Test
    void aDiskThatVanishesAndReturnsNeedsTheOpeningOfThePool() {
        disk.vanish();
        assertThat(write("a", 0, 2, CHUNK)).isEqualTo(BlockStatus.IO_ERROR);
        assertThat(flush("a")).isEqualTo(BlockStatus.IO_ERROR);
        disk.comeBack();
        assertThat(flush("a")).isEqualTo(BlockStatus.IO_ERROR);
        assertFlushedDataIsThere();
        reopen();
        assertFlushedDataIsThere();
        assertThat(write("a", 0, 2, CHUNK)).isEqualTo(BlockStatus.OK);
        assertThat(flush("a")).isEqualTo(BlockStatus.OK);
    }

    @Test
    void aFlushThatStallsHoldsNoReadUp() throws Exception {
        assertThat(write("a", 0, 2, CHUNK)).isEqualTo(BlockStatus.OK);
        always(r -> r.operation() == BlockOperation.FLUSH, new DiskFault.Stalls());
        try (var client = new BlockClient(pool.device("a"), home)) {
            CompletableFuture<BlockStatus> flush =
                    client.start(BlockOperation.FLUSH, 0, 0, _ -> {});
            assertThat(read("a", CHUNK, CHUNK)).containsOnly(1);
            assertThat(flush).isNotDone();
            disk.release();
            assertThat(flush.get(60, TimeUnit.SECONDS)).isEqualTo(BlockStatus.OK);
        }
    }

    @Test
    void aFlippedBitInMetadataIsNeverTakenForData() {
        pool.snapshot("a", "s");
        pool.createVolume("b", new VolumeFormat(1 << 20, 512, 4096));
        write("b", 0, 5, CHUNK);
        assertThat(flush("b")).isEqualTo(BlockStatus.OK);
        pool.checkpoint();
        // The last round of a journal cannot be told from one that was torn: it may be lost.
        pool.createVolume("last", new VolumeFormat(1 << 20, 512, 4096));
        DiskImage sound = disk.contents().fork();
        int refused = 0;
        for (long at = 0; at < sound.capacity(); at += 2048 + 8) {
            DiskImage image = sound.fork();
            image.flip(at, 3);
            if (Arrays.equals(sound.read(at / 4096 * 4096, 4096), new byte[4096])) {
                continue;
            }
            try {
                StoragePool damaged = open(quiet(image));
                assertThat(damaged.volumes()).extracting(VolumeInfo::name).contains("a", "s", "b");
                assertTold(damaged, at);
                damaged.abandon();
            } catch (ResourceException e) {
                refused++;
                assertThat(e.getMessage()).contains("restore");
            }
        }
        assertThat(refused).isPositive();
    }

    /** Chunks of data have no checksums: one bit of them may be wrong, and nothing else. */
    private void assertTold(StoragePool damaged, long at) {
        int wrong = 0;
        for (String name : List.of("a", "s", "b")) {
            int length = name.equals("b") ? CHUNK : 4 * CHUNK;
            byte expected = (byte) (name.equals("b") ? 5 : 1);
            try (var client = new BlockClient(damaged.device(name), home)) {
                for (byte b : client.read(0, length)) {
                    wrong += b == expected ? 0 : 1;
                }
            }
        }
        // A chunk that a volume and its snapshot share is seen twice.
        assertThat(wrong).as("bytes that are wrong after a flip at %d", at).isLessThanOrEqualTo(2);
    }

    @Test
    void aMapPageThatWentAstrayIsNoticed() {
        var first = new AtomicBoolean(true);
        disk.faults(request -> {
            // A checkpoint's pages are written before anything else of it.
            boolean page = request.operation() == BlockOperation.WRITE;
            return page && first.getAndSet(false)
                    ? new DiskFault.Misdirected(request.offset() + 4 * CHUNK)
                    : DiskFault.NONE;
        });
        pool.checkpoint();
        disk.faults(_ -> DiskFault.NONE);
        pool.abandon();
        assertThatThrownBy(() -> open(disk))
                .isInstanceOf(ResourceException.class)
                .hasMessageContaining("damaged");
        disk = quiet(new DiskImage(8 << 20));
        StoragePool.create(PoolStore.CONFIG, List.of(disk), home);
        pool = open(disk);
    }

    @Test
    void oldBytesAreNotTakenForTheNewestSuperblock() {
        disk.markStale();
        pool.createVolume("b", new VolumeFormat(1 << 20, 512, 4096));
        pool.checkpoint();
        pool.checkpoint();
        pool.abandon();
        // One read of a superblock gives what was there before; the other place still says more.
        once(BlockOperation.READ, new DiskFault.Stale());
        pool = open(disk);
        assertThat(pool.volumes()).extracting(VolumeInfo::name).contains("a");
    }
}
