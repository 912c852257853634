package io.vireo.device.scsi;

import static io.vireo.device.scsi.ScsiBed.BLOCK;
import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.block.BlockOperation;
import io.vireo.device.virtio.NoState;
import io.vireo.reactor.PollMode;
import io.vireo.reactor.ReactorGroup;
import io.vireo.scsi.ScsiInitiator;
import io.vireo.scsi.TaskManagement;
import io.vireo.testkit.BlockClient;
import io.vireo.testkit.Eventually;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Units that initiators can eject: START STOP UNIT with LOEJ, PREVENT ALLOW MEDIUM REMOVAL. */
class RemovableTest {
    private static final String EJECT = "1B0000000200";
    private static final String LOAD = "1B0000000300";
    private static final String READY = "000000000000";
    private static final String PREVENT = "1E0000000100";
    private static final String ALLOW = "1E0000000000";
    private static final int PREVENTED = 0x055302;
    private static final int NO_MEDIUM = 0x023A00;

    private final ScsiBed bed = new ScsiBed();

    @BeforeEach
    void map() {
        ScsiBed.map(bed.target, new UnitTarget.Mapping(0, bed.unit, false, false, true));
    }

    @AfterEach
    void close() {
        bed.close();
    }

    @Test
    void inquiryDataSaysSo() {
        assertThat(bed.client(1).in(0, "120000FFFF00", 255).data()[1]).isEqualTo((byte) 0x80);
        ScsiBed.map(bed.target, new UnitTarget.Mapping(0, bed.unit, false));
        ScsiClient client = bed.client(2);
        assertThat(client.in(0, "120000FFFF00", 255).data()[1]).isZero();
        assertThat(client.run(0, EJECT).code()).isEqualTo(0x052400);
        assertThat(client.run(0, LOAD).code()).isEqualTo(0x052400);
    }

    @Test
    void whatIsEjectedIsGoneForAllUntilItIsLoaded() {
        ScsiClient client = bed.client(1);
        ScsiClient second = bed.client(2, bed.other);
        client.out(0, "2A000000000000000100", new byte[BLOCK]);
        assertThat(client.run(0, EJECT).good()).isTrue();
        // What was written is durable before it is gone.
        assertThat(bed.disk.log().getLast().operation()).isEqualTo(BlockOperation.FLUSH);
        assertThat(client.run(0, EJECT).good()).isTrue();
        assertThat(bed.unit.condition().ejected()).isTrue();
        for (ScsiClient each : new ScsiClient[] {client, second}) {
            assertThat(each.run(0, READY).code()).isEqualTo(NO_MEDIUM);
            assertThat(each.in(0, "28000000000000000100", BLOCK).code()).isEqualTo(NO_MEDIUM);
            assertThat(each.in(0, "25000000000000000000", 8).code()).isEqualTo(NO_MEDIUM);
            assertThat(each.run(0, "48820000000000000000").code()).isEqualTo(NO_MEDIUM);
            assertThat(each.run(0, "040000000000").code()).isEqualTo(NO_MEDIUM);
            assertThat(each.run(0, "1B0000000100").code()).isEqualTo(NO_MEDIUM);
            assertThat(each.in(0, "120000FFFF00", 255).good()).isTrue();
            assertThat(each.in(0, "A0000000000000000020 0000", 32).good()).isTrue();
        }
        assertThat(client.manage(TaskManagement.Function.LOGICAL_UNIT_RESET, 0, 0))
                .isEqualTo(TaskManagement.Response.FUNCTION_COMPLETE);
        assertThat(client.ready(0).run(0, READY).code()).isEqualTo(NO_MEDIUM);
        second.ready(0);
        assertThat(client.run(0, LOAD).good()).isTrue();
        assertThat(client.run(0, READY).good()).isTrue();
        assertThat(second.run(0, READY).code()).isEqualTo(0x062800);
        assertThat(second.in(0, "28000000000000000100", BLOCK).good()).isTrue();
        assertThat(client.run(0, LOAD).good()).isTrue();
        assertThat(second.run(0, READY).good()).isTrue();
    }

    @Test
    void oneInitiatorThatPreventsItIsEnough() {
        ScsiClient client = bed.client(1);
        ScsiClient second = bed.client(2, bed.other);
        assertThat(second.run(0, PREVENT).good()).isTrue();
        assertThat(client.run(0, EJECT).code()).isEqualTo(PREVENTED);
        assertThat(second.run(0, EJECT).code()).isEqualTo(PREVENTED);
        assertThat(client.run(0, READY).good()).isTrue();
        assertThat(client.run(0, ALLOW).good()).isTrue();
        assertThat(client.run(0, EJECT).code()).isEqualTo(PREVENTED);
        assertThat(second.run(0, ALLOW).good()).isTrue();
        assertThat(client.run(0, EJECT).good()).isTrue();
        // Nor is it loaded while one of them prevents that.
        assertThat(second.run(0, PREVENT).good()).isTrue();
        assertThat(client.run(0, LOAD).code()).isEqualTo(PREVENTED);
        second.close();
        assertThat(client.run(0, LOAD).good()).isTrue();
    }

    @Test
    void aResetAllowsIt() {
        ScsiClient client = bed.client(1);
        client.run(0, PREVENT);
        client.manage(TaskManagement.Function.LOGICAL_UNIT_RESET, 0, 0);
        assertThat(client.ready(0).run(0, EJECT).good()).isTrue();
    }

    @Test
    void theOperatorSeesItAndLoadsItByMappingItAnew() {
        ReactorGroup reactors = ReactorGroup.start(List.of(-1), PollMode.ADAPTIVE);
        var units = new ScsiUnits(reactors, new NoState());
        var disk = new ScsiUnits.Disk("one", "uid", bed.disk, (_, _) -> () -> {}, bed.pool);
        ScsiUnits.Hba hba = units.open("hba9", 0x2000_0000_0000_0009L, 0x2100_0000_0000_0009L);
        var lun = new ScsiUnits.Lun(3, disk, false, false, true);
        hba.map(List.of(lun));
        var client =
                new ScsiClient(
                        hba.target(),
                        new ScsiInitiator.FibreChannel(0x1000_0000_0000_0009L),
                        hba.port(),
                        reactors.next());
        assertThat(hba.ejected()).isEmpty();
        assertThat(client.ready(3).run(3, EJECT).good()).isTrue();
        assertThat(hba.ejected()).containsExactly(3);
        hba.map(List.of());
        Eventually.until("the unit is gone", () -> client.run(3, READY).code() == 0x052500);
        hba.map(List.of(lun));
        Eventually.until("the unit is there", () -> client.run(3, READY).code() != 0x052500);
        assertThat(client.ready(3).run(3, READY).good()).isTrue();
        assertThat(hba.ejected()).isEmpty();
        client.close();
        var closed = new CompletableFuture<Boolean>();
        hba.close(() -> closed.complete(true));
        BlockClient.await(closed);
        reactors.close();
    }

    @Test
    void mappingItAtAnotherTargetLoadsItForAll() {
        ScsiClient client = bed.client(1);
        assertThat(client.run(0, EJECT).good()).isTrue();
        var second =
                new UnitTarget("hba2", 0x2000_0000_0000_0002L, 0x2100_0000_0000_0002L, bed.numbers);
        ScsiBed.map(second, new UnitTarget.Mapping(5, bed.unit, false));
        int code = NO_MEDIUM;
        while (code == NO_MEDIUM) {
            code = client.run(0, READY).code();
        }
        assertThat(code).isEqualTo(0x062800);
        assertThat(client.run(0, READY).good()).isTrue();
        ScsiBed.map(second);
    }
}
