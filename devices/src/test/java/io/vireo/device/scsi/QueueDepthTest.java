package io.vireo.device.scsi;

import static io.vireo.device.scsi.ScsiBed.BLOCK;
import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.device.scsi.ScsiClient.Result;
import io.vireo.scsi.ScsiStatus;
import io.vireo.scsi.TaskAttribute;
import io.vireo.testkit.BlockClient;
import io.vireo.testkit.MemoryBlockDevice;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** How many commands a target takes at once, and what it counts of them. */
class QueueDepthTest {
    private static final String READY = "000000000000";
    private static final String READ = "28000000000000000100";

    private final ScsiBed bed = new ScsiBed();

    @AfterEach
    void close() {
        bed.close();
    }

    @Test
    void oneCommandBeyondTheQueueDepthIsRefused() {
        ScsiClient client = bed.client(1, bed.owner);
        ScsiClient neighbour = bed.client(2, bed.other);
        bed.target.queueDepth(2);
        bed.disk.fate(_ -> MemoryBlockDevice.Fate.HELD);
        CompletableFuture<Result> first = read(client, 1);
        CompletableFuture<Result> second = read(client, 2);
        assertThat(BlockClient.await(read(client, 3)).status()).isEqualTo(ScsiStatus.TASK_SET_FULL);
        CompletableFuture<Result> other = read(neighbour, 1);
        bed.target.queueDepth(3);
        CompletableFuture<Result> third = read(client, 3);
        // Whatever is held when this has been answered is in the task set.
        neighbour.run(0, READY);
        bed.disk.fate(_ -> MemoryBlockDevice.Fate.DONE);
        bed.disk.release();
        for (CompletableFuture<Result> task : List.of(first, second, third, other)) {
            assertThat(BlockClient.await(task).good()).isTrue();
        }
        assertThat(bed.target.counters(0).refused()).isEqualTo(1);
    }

    private static CompletableFuture<Result> read(ScsiClient client, int tag) {
        return client.start(
                0, tag, TaskAttribute.SIMPLE, ScsiClient.bytes(READ), new byte[0], BLOCK);
    }

    @Test
    void whatWasDoneIsCounted() {
        ScsiClient client = bed.client(1, bed.other);
        UnitCounters counters = bed.target.counters(0);
        long commands = counters.commands();
        long attentions = counters.errors(6);
        assertThat(attentions).isPositive();
        client.in(0, READ, BLOCK);
        client.out(0, "2A000000000000000100", new byte[BLOCK]);
        client.run(0, "FF0000000000");
        client.run(9, READY);
        assertThat(counters.commands()).isEqualTo(commands + 3);
        assertThat(counters.bytesRead()).isEqualTo(BLOCK);
        assertThat(counters.bytesWritten()).isEqualTo(BLOCK);
        assertThat(counters.errors(5)).isEqualTo(1);
        assertThat(counters.errors(6)).isEqualTo(attentions);
    }

    @Test
    void whatIsReadAndWrittenIsTimed() {
        ScsiClient client = bed.client(1, bed.other);
        UnitCounters counters = bed.target.counters(0);
        client.in(0, "120000002400", 36);
        client.in(0, "28000010000000000100", BLOCK);
        assertThat(counters.reads().count()).as("INQUIRY, and what fails").isZero();
        client.in(0, READ, BLOCK);
        client.in(0, "7F00000000000018000900000000000000000000000000000000000000000001", BLOCK);
        bed.disk.fate(_ -> MemoryBlockDevice.Fate.HELD);
        CompletableFuture<Result> held =
                client.start(
                        0,
                        7,
                        TaskAttribute.SIMPLE,
                        ScsiClient.bytes("2A000000000000000100"),
                        new byte[BLOCK],
                        0);
        client.run(0, READY);
        long since = System.nanoTime();
        assertThat(counters.writes().count()).isZero();
        long later = System.nanoTime();
        bed.disk.fate(_ -> MemoryBlockDevice.Fate.DONE);
        bed.disk.release();
        assertThat(BlockClient.await(held).good()).isTrue();
        assertThat(counters.reads().count()).isEqualTo(2);
        assertThat(counters.reads().window(System.nanoTime()).quantile(1)).isPositive();
        assertThat(counters.writes().count()).isEqualTo(1);
        assertThat(counters.writes().seconds()).isGreaterThan((later - since) / 1e9);
    }
}
