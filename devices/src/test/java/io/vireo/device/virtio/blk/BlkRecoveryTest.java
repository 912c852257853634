package io.vireo.device.virtio.blk;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.block.BlockOperation;
import io.vireo.testkit.BlockClient;
import io.vireo.testkit.MemoryBlockDevice;
import io.vireo.testkit.MemoryBlockDevice.Entry;
import io.vireo.virtqueue.ChainBatch;
import io.vireo.virtqueue.InflightRegion;
import io.vireo.virtqueue.Virtqueue;
import io.vireo.virtqueue.VirtqueueException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * A queue that stops, maybe for ever here, with requests that were in flight in another process.
 */
class BlkRecoveryTest {
    private final MemoryBlockDevice block = new MemoryBlockDevice(1 << 20, 512);
    private final BlkBed bed = new BlkBed(block);
    private final long record =
            bed.memory.host(
                    bed.memory.allocate(
                            (int) InflightRegion.size(1, BlkBed.QUEUE_SIZE, false), 64));

    @AfterEach
    void close() {
        bed.close();
        assertThat(bed.failures).isEmpty();
    }

    private Virtqueue activate() {
        var region = InflightRegion.of(record, 0, BlkBed.QUEUE_SIZE, false);
        try {
            return bed.config(0, 0, Optional.of(region)).activate();
        } catch (VirtqueueException e) {
            throw new AssertionError(e);
        }
    }

    private long submit(int sector) {
        long status = bed.statusByte();
        long header = bed.header(BlkProtocol.T_OUT, sector);
        bed.chain().out(header, 16).out(bed.take(512), 512).in(status, 1).submit(0);
        return status;
    }

    private List<Long> writes() {
        return block.log().stream()
                .filter(entry -> !entry.completion() && entry.operation() == BlockOperation.WRITE)
                .map(Entry::offset)
                .map(offset -> offset / 512)
                .toList();
    }

    /** Of four requests a process has carried out the second one and dies. */
    private void leaveBehind() {
        var before = activate();
        var batch = new ChainBatch(BlkBed.QUEUE_SIZE);
        assertThat(before.pop(batch, 4)).isEqualTo(4);
        before.push(batch.head[1], 1);
        before.flush();
        assertThat(bed.driver[0].poll()).isTrue();
    }

    private int startAndStop() throws Exception {
        var drained = new CompletableFuture<Integer>();
        BlockClient.on(
                bed.reactors.getFirst(),
                () -> {
                    var queue = activate();
                    bed.device.startQueue(0, queue);
                    bed.device.stopQueue(0, () -> drained.complete(queue.stop()));
                    return true;
                });
        return drained.get(30, TimeUnit.SECONDS);
    }

    @Test
    void aQueueThatStopsTellsAPlaceBehindWhichAllThatIsLeftIs() throws Exception {
        BlockClient.await(bed.stop(0));
        long[] statuses = {submit(1), submit(2), submit(3), submit(4)};
        leaveBehind();
        int base = startAndStop();
        assertThat(writes()).containsExactly(1L);
        assertThat(bed.get(statuses[0], 1)).containsExactly(BlkProtocol.S_OK);
        assertThat(base).isEqualTo(2);
        // Somewhere else, where there is no record.
        bed.start(0, base);
        for (int i = 0; i < 3; i++) {
            bed.used(0);
        }
        assertThat(writes()).containsExactly(1L, 3L, 4L);
    }

    @Test
    void nothingIsPoppedForItWhereAllThatIsLeftCameLast() throws Exception {
        BlockClient.await(bed.stop(0));
        submit(1);
        submit(2);
        var before = activate();
        assertThat(before.pop(new ChainBatch(BlkBed.QUEUE_SIZE), 2)).isEqualTo(2);
        assertThat(startAndStop()).isZero();
        assertThat(writes()).isEmpty();
        bed.start(0, 0);
        bed.used(0);
        bed.used(0);
        assertThat(writes()).containsExactly(1L, 2L);
    }
}
