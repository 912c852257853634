package io.vireo.device.scsi;

import static io.vireo.device.scsi.ScsiBed.BLOCK;
import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.device.scsi.ScsiClient.Result;
import io.vireo.scsi.ScsiInitiator;
import io.vireo.scsi.ScsiTask;
import io.vireo.scsi.TaskAttribute;
import io.vireo.scsi.TaskManagement;
import io.vireo.testkit.BlockClient;
import io.vireo.testkit.MemoryBlockDevice;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What commands that look at data themselves take of the host's memory. */
class WorkspaceTest {
    private static final int COMMANDS = 60;

    private final ScsiBed bed = new ScsiBed();

    @AfterEach
    void close() {
        bed.close();
    }

    private static CompletableFuture<Result> start(
            ScsiClient client, int tag, String cdb, int out, int room) {
        return client.start(
                0, tag, TaskAttribute.SIMPLE, ScsiClient.bytes(cdb), new byte[out], room);
    }

    private long begun() {
        return bed.disk.log().stream().filter(entry -> !entry.completion()).count();
    }

    /** VERIFY of 1 MiB, by reading and by comparing, and a READ with room for less. */
    @ParameterizedTest
    @CsvSource({
        "8F000000000000000000000008000000, 0, 0, 32",
        "8F020000000000000000000008000000, 1048576, 0, 16",
        "88000000000000000000000008000000, 0, 1048064, 8"
    })
    void commandsWaitForMemoryThatOthersHave(String cdb, int out, int room, int atOnce) {
        ScsiClient client = bed.client(1);
        bed.disk.fate(_ -> MemoryBlockDevice.Fate.HELD);
        List<CompletableFuture<Result>> all = new ArrayList<>();
        for (int tag = 1; tag <= COMMANDS; tag++) {
            all.add(start(client, tag, cdb, out, room));
        }
        // One that needs none waits for nobody.
        assertThat(client.run(0, "000000000000").good()).isTrue();
        assertThat(begun()).isEqualTo(atOnce);
        // Nor does another target.
        var second =
                new UnitTarget("hba2", 0x2000_0000_0000_0002L, 0x2100_0000_0000_0002L, bed.numbers);
        ScsiBed.map(second, new UnitTarget.Mapping(0, bed.unit, false));
        var elsewhere =
                new ScsiClient(
                        second,
                        new ScsiInitiator.FibreChannel(77),
                        second.fibreChannelPort(),
                        bed.owner);
        elsewhere.ready(0);
        CompletableFuture<Result> theirs = start(elsewhere, 1, cdb, out, room);
        assertThat(elsewhere.run(0, "000000000000").good()).isTrue();
        assertThat(begun()).isEqualTo(atOnce + 1);
        assertThat(client.manage(TaskManagement.Function.ABORT_TASK, 0, COMMANDS - 1))
                .isEqualTo(TaskManagement.Response.FUNCTION_COMPLETE);
        client.takeBack(COMMANDS, bed.owner);
        assertThat(BlockClient.await(all.get(COMMANDS - 2)).outcome())
                .isEqualTo(ScsiTask.Outcome.ABORTED);
        assertThat(BlockClient.await(all.get(COMMANDS - 1)).outcome())
                .isEqualTo(ScsiTask.Outcome.TAKEN_BACK);
        bed.disk.fate(_ -> MemoryBlockDevice.Fate.DONE);
        bed.disk.release();
        assertThat(BlockClient.await(theirs).good()).isTrue();
        for (CompletableFuture<Result> each : all.subList(0, COMMANDS - 2)) {
            assertThat(BlockClient.await(each).good()).isTrue();
        }
        elsewhere.close();
        ScsiBed.map(second);
    }

    @Test
    void aBlockIsRepeatedFromLittleMemory() {
        ScsiClient client = bed.client(1);
        byte[] block = new byte[BLOCK];
        new Random(1).nextBytes(block);
        // 5,000 blocks from block 3 on.
        assertThat(client.out(0, "93000000000000000003000013880000", block).good()).isTrue();
        byte[] written = bed.disk.contents(3L * BLOCK, 5000 * BLOCK);
        for (int at = 0; at < written.length; at += BLOCK) {
            assertThat(Arrays.copyOfRange(written, at, at + BLOCK)).isEqualTo(block);
        }
        assertThat(bed.disk.contents(0, 3 * BLOCK)).containsOnly(0);
        assertThat(bed.disk.contents(5003L * BLOCK, BLOCK)).containsOnly(0);
    }
}
