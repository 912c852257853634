package io.vireo.fabric.storage.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockStatus;
import io.vireo.block.VolumeFormat;
import io.vireo.reactor.Reactor;
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
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A write that waits for a chunk is told that the pool is full only if it is. */
class HeldWritesTest implements PoolEvents {
    private static final int CHUNK = 16 << 10;
    private static final int DISCARDED = 64;
    private static final Duration HOLD = Duration.ofSeconds(60);
    private static final Duration STALL = Duration.ofMinutes(5);

    private final Reactor home = Reactor.stepped("held");
    private final SimulatedDisk disk =
            new SimulatedDisk(0, new DiskImage(16 << 20), new DiskLog(), 1, true);
    private final List<String> events = new ArrayList<>();
    private StoragePool pool;
    private SteppedClient client;

    @BeforeEach
    void open() {
        disk.logging(false);
        List<BlockDevice> disks = List.of(disk);
        StoragePool.create(new PoolConfig(CHUNK, 1 << 20, true, true), disks, home);
        pool = StoragePool.open(disks, home, new PoolOptions(HOLD, Duration.ofSeconds(1), this));
        pool.createVolume("v", new VolumeFormat(32 << 20, 512, 4096));
        client = new SteppedClient(pool.device("v"), home);
    }

    @AfterEach
    void close() {
        client.close();
        pool.abandon();
        home.close();
    }

    @Override
    public void full() {
        events.add("full");
    }

    @Override
    public void room() {
        events.add("room");
    }

    private long now() {
        return HomeIo.on(home, home::nanoTime);
    }

    private CompletableFuture<BlockStatus> write(int chunk) {
        byte[] data = new byte[CHUNK];
        Arrays.fill(data, (byte) (chunk + 1));
        return client.write((long) chunk * CHUNK, data, false);
    }

    /** Stalls the next operation of a kind. */
    private void stall(BlockOperation operation) {
        var slow = new AtomicBoolean(true);
        disk.faults(r ->
                r.operation() == operation && slow.getAndSet(false)
                        ? new DiskFault.Delays(STALL.toNanos())
                        : DiskFault.NONE);
    }

    /** Writes chunks one after the other until one waits, which is the one that is returned. */
    private int writeUntilOneWaits(int from, List<CompletableFuture<BlockStatus>> held) {
        for (int chunk = from; ; chunk++) {
            CompletableFuture<BlockStatus> write = write(chunk);
            for (int i = 0; i < 100 && !write.isDone(); i++) {
                home.step();
            }
            if (!write.isDone()) {
                held.add(write);
                return chunk;
            }
            assertThat(write.join()).isEqualTo(BlockStatus.OK);
        }
    }

    private int fill() {
        for (int chunk = 0; ; chunk++) {
            if (client.await(write(chunk)) == BlockStatus.NO_SPACE) {
                assertThat(events).contains("full");
                events.clear();
                return chunk;
            }
        }
    }

    private void assertWaitsForTheDisk(CompletableFuture<BlockStatus> held, long began) {
        assertThat(client.await(held)).isEqualTo(BlockStatus.OK);
        assertThat(now() - began).isGreaterThan(HOLD.toNanos());
        assertThat(pool.trouble()).isEmpty();
    }

    @Test
    void aWriteThatWaitsForAMarkWaitsForAsLongAsTheDiskNeeds() {
        stall(BlockOperation.FLUSH);
        long began = now();
        List<CompletableFuture<BlockStatus>> held = new ArrayList<>();
        int written = writeUntilOneWaits(0, held);
        assertThat(written).isPositive();
        assertWaitsForTheDisk(held.getFirst(), began);
        assertThat(events).doesNotContain("full");
        assertThat(client.read((long) written * CHUNK, CHUNK)).containsOnly(written + 1);
    }

    private void discard() {
        var discard = client.start(BlockOperation.DISCARD, 0, (long) DISCARDED * CHUNK, _ -> {});
        assertThat(client.await(discard)).isEqualTo(BlockStatus.OK);
        assertThat(client.await(client.start(BlockOperation.FLUSH, 0, 0, _ -> {})))
                .isEqualTo(BlockStatus.OK);
    }

    @Test
    void aWriteThatWaitsForAChunkToBeZeroedWaitsForAsLongAsTheDiskNeeds() {
        int written = fill();
        stall(BlockOperation.WRITE_ZEROES);
        discard();
        long began = now();
        List<CompletableFuture<BlockStatus>> held = new ArrayList<>();
        int last = writeUntilOneWaits(written, held);
        assertThat(last - written).isLessThan(DISCARDED);
        assertWaitsForTheDisk(held.getFirst(), began);
        assertThat(events).doesNotContain("full");
    }

    /** The room is there as soon as the disk has what it is asked for. */
    @Test
    void aWriteThatWaitsUntilWhatWasDiscardedIsFreeWaitsForAsLongAsTheDiskNeeds() {
        int written = fill();
        stall(BlockOperation.FLUSH);
        long began = now();
        var discard = client.start(BlockOperation.DISCARD, 0, (long) DISCARDED * CHUNK, _ -> {});
        assertThat(client.await(discard)).isEqualTo(BlockStatus.OK);
        assertWaitsForTheDisk(write(written), began);
        assertThat(events).doesNotContain("full");
    }

    @Test
    void aWriteThatWaitsUntilASnapshotIsGoneWaitsForAsLongAsTheDiskNeeds() {
        fill();
        pool.snapshot("v", "s");
        CompletableFuture<BlockStatus> held = write(0);
        for (int i = 0; i < 50; i++) {
            home.step();
        }
        assertThat(held).isNotDone();
        stall(BlockOperation.FLUSH);
        long began = now();
        pool.delete("s");
        assertWaitsForTheDisk(held, began);
    }

    /** What does not become free is no room, however long it takes to find that out. */
    @Test
    void aWriteThatWaitsForWhatIsSharedAfterAllIsHeldForTheWholeTime() {
        int written = fill();
        pool.snapshot("v", "s");
        stall(BlockOperation.FLUSH);
        var discard = client.start(BlockOperation.DISCARD, 0, (long) DISCARDED * CHUNK, _ -> {});
        assertThat(client.await(discard)).isEqualTo(BlockStatus.OK);
        long began = now();
        assertThat(client.await(write(written))).isEqualTo(BlockStatus.NO_SPACE);
        assertThat(now() - began)
                .isBetween(STALL.toNanos(), STALL.plus(HOLD).plusSeconds(2).toNanos());
    }

    /** What it waited for before counts for nothing. */
    @Test
    void aPoolThatBecomesFullWhileAWriteWaitsForTheDiskHoldsItForTheWholeTime() {
        int written = fill();
        stall(BlockOperation.WRITE_ZEROES);
        discard();
        List<CompletableFuture<BlockStatus>> held = new ArrayList<>();
        int last = writeUntilOneWaits(written, held);
        for (int i = 1; i <= DISCARDED; i++) {
            held.add(write(last + i));
        }
        assertThat(client.await(held.getFirst())).isEqualTo(BlockStatus.OK);
        long full = now();
        assertThat(client.await(held.getLast())).isEqualTo(BlockStatus.NO_SPACE);
        assertThat(now() - full).isGreaterThanOrEqualTo(HOLD.minusSeconds(1).toNanos());
    }

    @Test
    void chunksThatCannotBeZeroedAreNotWaitedForNorIsWhatMetadataNeedsTaken() {
        int written = fill();
        disk.faults(r ->
                r.operation() == BlockOperation.WRITE_ZEROES ? DiskFault.eio() : DiskFault.NONE);
        discard();
        PoolStatus status = pool.status();
        while (status.broken() < DISCARDED) {
            assertThat(home.step()).isPositive();
            status = pool.status();
        }
        assertThat(client.await(write(written))).isEqualTo(BlockStatus.NO_SPACE);
        assertThat(events).contains("full");
        pool.checkpoint();
        assertThat(pool.trouble()).isEmpty();
    }
}
