package io.vireo.device.scsi;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.block.ExclusiveUse;
import io.vireo.block.PoolSpace;
import io.vireo.device.scsi.ScsiClient.Result;
import io.vireo.device.virtio.FakePool;
import io.vireo.device.virtio.NoState;
import io.vireo.reactor.PollMode;
import io.vireo.reactor.ReactorGroup;
import io.vireo.scsi.ScsiInitiator;
import io.vireo.scsi.TaskManagement;
import io.vireo.testkit.BlockClient;
import io.vireo.testkit.MemoryBlockDevice;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What initiators are told of the room of a pool (SBC-4, 4.7.3.7). */
class ThresholdTest {
    private static final long MIB = 1 << 20;
    private static final String EMPTY = "00".repeat(11);

    private final ReactorGroup reactors = ReactorGroup.start(List.of(-1, -1), PollMode.ADAPTIVE);
    private final ScsiUnits units = new ScsiUnits(reactors, new NoState());
    private final MemoryBlockDevice disk = new MemoryBlockDevice(1 << 20, 512);
    private final FakePool pool = new FakePool();
    private final ScsiUnits.Hba hba = units.open("hba", 1, 2);
    private final ScsiClient client;

    ThresholdTest() {
        pool.space = new PoolSpace(1000 * MIB, 300 * MIB);
        ExclusiveUse use = (_, _) -> () -> {};
        hba.map(
                List.of(
                        new ScsiUnits.Lun(
                                0, new ScsiUnits.Disk("d", "u", disk, use, pool), false)));
        client =
                new ScsiClient(
                        hba.target(),
                        new ScsiInitiator.FibreChannel(7),
                        hba.port(),
                        reactors.data().getFirst());
        client.ready(0);
    }

    @AfterEach
    void close() {
        client.close();
        var closed = new CompletableFuture<Boolean>();
        hba.close(() -> closed.complete(true));
        BlockClient.await(closed);
        reactors.close();
        disk.close();
    }

    private Result ready() {
        return client.run(0, "000000000000");
    }

    private void used(long percent) {
        pool.space = new PoolSpace(1000 * MIB, (100 - percent) * 10 * MIB);
        units.look();
    }

    @Test
    void pagesTellOfTheRoom() {
        // 2^11 blocks of 512 bytes are a threshold set.
        assertThat(client.in(0, "1201B2FFFF00", 255).hex()).isEqualTo("00b200040be40200");
        assertThat(client.in(0, "4D00400000000000FF00", 255).hex())
                .isEqualTo("00000005" + "000c0d1119");
        assertThat(client.in(0, "4D004C0000000000FF00", 255).hex())
                .isEqualTo(
                        "0c000018"
                                + ("00010308" + "0000012c" + "02000000")
                                + ("00020308" + "000002bc" + "02000000"));
        String page = "5c020014" + "00" + EMPTY + "8102000000000320";
        assertThat(client.in(0, "1A081C02FF00", 255).hex()).isEqualTo("1b001000" + page);
        assertThat(client.in(0, "1A081CFFFF00", 255).hex())
                .isEqualTo("27001000" + "1c0a00000000000000000000" + page);
        assertThat(client.in(0, "1A083F00FF00", 255).hex()).doesNotContain(page);
        assertThat(client.in(0, "1A083FFFFF00", 255).hex()).endsWith(page);
        assertThat(client.in(0, "1A080100FF00", 255).hex())
                .isEqualTo("0f001000" + "010a00000000008000000000");
    }

    @Test
    void theThresholdIsToldOncePerCrossing() {
        used(79);
        assertThat(ready().good()).isTrue();
        used(80);
        Result told = ready();
        assertThat(told.code()).isEqualTo(0x063807);
        // The information field is where the threshold is in its mode page.
        assertThat(told.sense()[0] & 0x80).isEqualTo(0x80);
        assertThat(Bytes.u32(told.sense(), 3)).isEqualTo(16);
        assertThat(client.events()).contains("changed 0 3807");
        used(90);
        assertThat(ready().good()).isTrue();
        used(10);
        used(85);
        assertThat(ready().code()).isEqualTo(0x063807);
    }

    @Test
    void whoTurnsItOffIsNotTold() {
        byte[] off = ScsiClient.bytes("00000000" + "010a00000000000000000000");
        assertThat(client.out(0, "151000001000", off).good()).isTrue();
        used(90);
        assertThat(ready().good()).isTrue();
        byte[] wrong = ScsiClient.bytes("00000000" + "5c020014" + EMPTY + "008102000000000001");
        assertThat(client.out(0, "151000001C00", wrong).code()).isEqualTo(0x052600);
        byte[] same = ScsiClient.bytes("00000000" + "5c020014" + EMPTY + "008102000000000320");
        assertThat(client.out(0, "151000001C00", same).good()).isTrue();
        assertThat(client.manage(TaskManagement.Function.LOGICAL_UNIT_RESET, 0, 0))
                .isEqualTo(TaskManagement.Response.FUNCTION_COMPLETE);
        client.ready(0);
        used(10);
        used(90);
        assertThat(ready().code()).isEqualTo(0x063807);
    }
}
