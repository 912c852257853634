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
import org.junit.jupiter.api.Test;

/** A checkpoint has room, however fast chunks are taken for data just before it. */
class CheckpointRoomTest {
    private static final int CHUNK = 16 << 10;
    private static final int VOLUMES = 12;
    private static final int WRITES = 12;

    private final Reactor home = Reactor.stepped("checkpoint-room");
    private final List<SteppedClient> clients = new ArrayList<>();

    /** What may be taken is made known by the journal, which is slow here. */
    @Test
    void writesThatTakeAllThatTheJournalLeavesLeaveRoomForACheckpoint() {
        var disk = new SimulatedDisk(0, new DiskImage(16 << 20), new DiskLog(), 1, true);
        disk.logging(false);
        StoragePool.create(PoolStore.CONFIG, List.<BlockDevice>of(disk), home);
        StoragePool pool = StoragePool.open(List.<BlockDevice>of(disk), home, PoolOptions.DEFAULT);
        for (int i = 0; i < VOLUMES; i++) {
            pool.createVolume("v" + i, new VolumeFormat(1 << 20, 512, 4096));
            clients.add(new SteppedClient(pool.device("v" + i), home));
        }
        for (int round = 0; round < 3; round++) {
            var slow = new AtomicBoolean(true);
            disk.faults(r ->
                    r.operation() == BlockOperation.FLUSH && slow.getAndSet(false)
                            ? new DiskFault.Delays(Duration.ofSeconds(1).toNanos())
                            : DiskFault.NONE);
            List<CompletableFuture<BlockStatus>> all = new ArrayList<>(write(round, 0));
            all.add(clients.getFirst().start(BlockOperation.FLUSH, 0, 0, _ -> {}));
            while (slow.get()) {
                assertThat(home.step()).isPositive();
            }
            for (int i = 1; i < WRITES; i++) {
                all.addAll(write(round, i));
            }
            pool.checkpoint();
            all.forEach(
                    each -> assertThat(clients.getFirst().await(each)).isEqualTo(BlockStatus.OK));
            assertThat(pool.trouble()).isEmpty();
        }
        clients.forEach(SteppedClient::close);
        pool.abandon();
        home.close();
    }

    /** Begins to write a new chunk of each volume. */
    private List<CompletableFuture<BlockStatus>> write(int round, int chunk) {
        byte[] data = new byte[CHUNK];
        Arrays.fill(data, (byte) (1 + chunk));
        long at = (long) (round * WRITES + chunk) * CHUNK;
        return clients.stream().map(client -> client.write(at, data, false)).toList();
    }
}
