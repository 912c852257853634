package io.vireo.fabric.storage.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockStatus;
import io.vireo.block.VolumeFormat;
import io.vireo.fabric.storage.format.PoolFormat;
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
import org.junit.jupiter.api.Test;

/** A checkpoint has room, however fast chunks are taken for data just before it. */
class CheckpointRoomTest {
    private static final int CHUNK = 16 << 10;
    private static final int VOLUMES = 12;
    private static final int WRITES = 12;

    private final Reactor home = Reactor.stepped("checkpoint-room");
    private final List<SteppedClient> clients = new ArrayList<>();

    /** Superblocks that were written. */
    private int superblocks;

    private static SimulatedDisk disk(int megabytes) {
        var disk = new SimulatedDisk(0, new DiskImage(megabytes << 20), new DiskLog(), 1, true);
        disk.logging(false);
        return disk;
    }

    private StoragePool open(SimulatedDisk disk) {
        StoragePool.create(PoolStore.CONFIG, List.<BlockDevice>of(disk), home);
        StoragePool pool = StoragePool.open(List.<BlockDevice>of(disk), home, PoolOptions.DEFAULT);
        long capacity = disk.geometry().capacity();
        for (int i = 0; i < VOLUMES; i++) {
            pool.createVolume("v" + i, new VolumeFormat(capacity, 512, 4096));
            clients.add(new SteppedClient(pool.device("v" + i), home));
        }
        return pool;
    }

    private void close(StoragePool pool) {
        assertThat(pool.trouble()).isEmpty();
        clients.forEach(SteppedClient::close);
        pool.abandon();
        home.close();
    }

    /** What may be taken is made known by the journal, which is slow here. */
    @Test
    void writesThatTakeAllThatTheJournalLeavesLeaveRoomForACheckpoint() {
        SimulatedDisk disk = disk(16);
        StoragePool pool = open(disk);
        for (int round = 0; round < 3; round++) {
            List<CompletableFuture<BlockStatus>> all = new ArrayList<>(write(round * WRITES));
            all.add(slowFlush(disk));
            for (int i = 1; i < WRITES; i++) {
                all.addAll(write(round * WRITES + i));
            }
            pool.checkpoint();
            all.forEach(
                    each -> assertThat(clients.getFirst().await(each)).isEqualTo(BlockStatus.OK));
            assertThat(pool.trouble()).isEmpty();
        }
        close(pool);
    }

    /** Neither has the journal room for what has changed, nor is there any for a checkpoint. */
    @Test
    void changesThatDoNotFitTheJournalWaitForTheMarkThatACheckpointNeeds() {
        SimulatedDisk disk = disk(64);
        StoragePool pool = open(disk);
        recycle(pool, 120);
        CompletableFuture<BlockStatus> flush = slowFlush(disk);
        List<CompletableFuture<BlockStatus>> all = writeUntilTheyWait(1);
        assertThat(flush).isNotDone();
        all.forEach(each -> assertThat(await(each)).isEqualTo(BlockStatus.OK));
        assertThat(await(flush)).isEqualTo(BlockStatus.OK);
        pool.checkpoint();
        close(pool);
    }

    @Test
    void aCheckpointThatIsAskedForIsThereThoughAMarkHasToBeDurableFirst() {
        SimulatedDisk disk = disk(64);
        StoragePool pool = open(disk);
        recycle(pool, 40);
        slowFlush(disk);
        // So that more pages of the maps change than there are free blocks for.
        List<CompletableFuture<BlockStatus>> all = writeUntilTheyWait(80);
        superblocks = 0;
        pool.checkpoint();
        assertThat(superblocks).isPositive();
        all.forEach(each -> assertThat(await(each)).isEqualTo(BlockStatus.OK));
        close(pool);
    }

    /**
     * Pages of maps that a snapshot shares are copied for that, and the old ones do not become
     * free.
     */
    @Test
    void discardsOfWhatASnapshotSharesLeaveRoomForCheckpoints() {
        SimulatedDisk disk = disk(16);
        StoragePool pool = open(disk);
        long leaf = (long) PoolFormat.FANOUT * CHUNK;
        SteppedClient client = sparse(pool, "sparse");
        int leaves = 0;
        while (await(client.write(leaves * leaf, data(leaves), false)) == BlockStatus.OK
                && await(client.write(leaves * leaf + CHUNK, data(leaves), false))
                        == BlockStatus.OK) {
            leaves++;
        }
        pool.snapshot("sparse", "s");
        for (int i = 0; i < leaves; i++) {
            var discard = client.start(BlockOperation.DISCARD, i * leaf, CHUNK, _ -> {});
            assertThat(await(discard)).isEqualTo(BlockStatus.OK);
        }
        assertThat(await(client.start(BlockOperation.FLUSH, 0, 0, _ -> {})))
                .isEqualTo(BlockStatus.OK);
        pool.checkpoint();
        assertThat(pool.trouble()).isEmpty();
        for (int i = 0; i < leaves; i++) {
            assertThat(client.read(i * leaf + CHUNK, CHUNK)).isEqualTo(data(i));
        }
        pool.delete("s");
        assertThat(await(client.write(leaves * leaf, data(leaves), false)))
                .isEqualTo(BlockStatus.OK);
        close(pool);
    }

    /** When the last chunks are taken nobody knows yet in how many pages of maps they will be. */
    @Test
    void writesThatAreUnderWayAtOnceLeaveRoomForCheckpoints() {
        SimulatedDisk disk = disk(16);
        StoragePool pool = open(disk);
        // No chunk waits for a mark, or for anything else.
        recycle(pool, 70);
        // Each chunk has a leaf of its own, and a page above that.
        long apart = (long) PoolFormat.FANOUT * PoolFormat.FANOUT * CHUNK;
        List<CompletableFuture<BlockStatus>> all = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            SteppedClient client = sparse(pool, "sparse" + i);
            for (int j = 0; j < 200; j++) {
                all.add(client.write(j * apart, data(j), false));
            }
        }
        all.forEach(each -> assertThat(await(each)).isIn(BlockStatus.OK, BlockStatus.NO_SPACE));
        assertThat(await(all.getFirst())).isEqualTo(BlockStatus.OK);
        assertThat(await(all.getLast())).isEqualTo(BlockStatus.NO_SPACE);
        pool.checkpoint();
        close(pool);
    }

    private SteppedClient sparse(StoragePool pool, String name) {
        pool.createVolume(name, new VolumeFormat(1L << 50, 512, 4096));
        var client = new SteppedClient(pool.device(name), home);
        clients.add(client);
        return client;
    }

    /** Has so many chunks of each volume be clean, so that they can be taken without a mark. */
    private void recycle(StoragePool pool, int chunks) {
        for (int i = 0; i < chunks; i++) {
            write(i).forEach(each -> assertThat(await(each)).isEqualTo(BlockStatus.OK));
        }
        for (SteppedClient client : clients) {
            var discard = client.start(BlockOperation.DISCARD, 0, (long) chunks * CHUNK, _ -> {});
            assertThat(await(discard)).isEqualTo(BlockStatus.OK);
        }
        pool.checkpoint();
        while (!pool.look().reclaim().equals(ReclaimStatus.NOTHING)) {
            assertThat(home.step()).isPositive();
        }
        write(0).forEach(each -> assertThat(await(each)).isEqualTo(BlockStatus.OK));
    }

    /** Begins to write to chunks, until some have to wait for a mark; no time passes before. */
    private List<CompletableFuture<BlockStatus>> writeUntilTheyWait(int apart) {
        List<CompletableFuture<BlockStatus>> all = new ArrayList<>();
        int chunk = 0;
        do {
            chunk += apart;
            all.addAll(write(chunk));
            for (int j = 0; j < 20 && !all.getLast().isDone(); j++) {
                home.step();
            }
        } while (all.getLast().isDone());
        return all;
    }

    private BlockStatus await(CompletableFuture<BlockStatus> request) {
        return clients.getFirst().await(request);
    }

    /** Begins a flush, of which the disk has a part that takes it long. */
    private CompletableFuture<BlockStatus> slowFlush(SimulatedDisk disk) {
        var slow = new AtomicBoolean(true);
        disk.faults(r -> {
            boolean write = r.operation() == BlockOperation.WRITE;
            superblocks += write && r.offset() == PoolFormat.SUPERBLOCKS[0] ? 1 : 0;
            superblocks += write && r.offset() == PoolFormat.SUPERBLOCKS[1] ? 1 : 0;
            return r.operation() == BlockOperation.FLUSH && slow.getAndSet(false)
                    ? new DiskFault.Delays(Duration.ofHours(1).toNanos())
                    : DiskFault.NONE;
        });
        var flush = clients.getFirst().start(BlockOperation.FLUSH, 0, 0, _ -> {});
        while (slow.get()) {
            assertThat(home.step()).isPositive();
        }
        return flush;
    }

    /** Begins to write a new chunk of each volume. */
    private List<CompletableFuture<BlockStatus>> write(int chunk) {
        byte[] data = data(chunk);
        long at = (long) chunk * CHUNK;
        return clients.stream().map(client -> client.write(at, data, false)).toList();
    }

    private static byte[] data(int chunk) {
        byte[] data = new byte[CHUNK];
        Arrays.fill(data, (byte) (1 + chunk));
        return data;
    }
}
