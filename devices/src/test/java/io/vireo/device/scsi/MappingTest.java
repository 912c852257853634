package io.vireo.device.scsi;

import static io.vireo.device.scsi.ScsiBed.BLOCK;
import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.device.scsi.ScsiClient.Result;
import io.vireo.scsi.ScsiTask;
import io.vireo.scsi.TaskAttribute;
import io.vireo.scsi.TaskManagement;
import io.vireo.testkit.BlockClient;
import io.vireo.testkit.MemoryBlockDevice;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is at which LUN, and who is told when that changes. */
class MappingTest {
    private final ScsiBed bed = new ScsiBed();
    private final MemoryBlockDevice second = new MemoryBlockDevice(1 << 20, BLOCK);
    private final LogicalUnit secondUnit = bed.unit("disk2", second, new ScsiBed.MemoryStore());

    @AfterEach
    void close() {
        ScsiBed.map(bed.target, new UnitTarget.Mapping(0, bed.unit, false));
        bed.close();
        second.close();
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void unitsComeAndGoWhileANexusIsOpen(boolean direct) {
        ScsiClient client = bed.client(1, direct ? bed.owner : bed.other);
        assertThat(client.in(0, "A00000000000000000400000", 64).hex())
                .isEqualTo("0000000800000000" + "0000000000000000");
        ScsiBed.map(
                bed.target,
                new UnitTarget.Mapping(0, bed.unit, false),
                new UnitTarget.Mapping(300, secondUnit, true));
        assertThat(client.run(0, "000000000000").code()).isEqualTo(0x063F0E);
        assertThat(client.in(0, "A00000000000000000400000", 64).hex())
                .isEqualTo("0000001000000000" + "0000000000000000" + "412c000000000000");
        assertThat(client.ready(300).in(300, "28000000000000000100", BLOCK).good()).isTrue();
        assertThat(client.out(300, "2A000000000000000100", new byte[BLOCK]).code())
                .isEqualTo(0x072700);
        ScsiBed.map(bed.target, new UnitTarget.Mapping(0, bed.unit, false));
        assertThat(client.run(300, "000000000000").code()).isEqualTo(0x052500);
        assertThat(client.events()).contains("added 300", "removed 300", "changed 0 3f0e");
        // REPORT LUNS clears the unit attention that says to send it.
        client.in(0, "A00000000000000000400000", 64);
        assertThat(client.run(0, "000000000000").good()).isTrue();
    }

    @Test
    void whoseLunsStayTheSameIsToldNothing() {
        ScsiClient client = bed.client(1);
        ScsiBed.map(bed.target, new UnitTarget.Mapping(0, bed.unit, false));
        assertThat(client.run(0, "000000000000").good()).isTrue();
        assertThat(client.events()).isEmpty();
        // What REPORT LUNS says changes by this, though no unit does.
        ScsiBed.map(bed.target, new UnitTarget.Mapping(0, bed.unit, false, true, false));
        assertThat(client.run(0, "000000000000").code()).isEqualTo(0x063F0E);
    }

    @Test
    void theBootLunIsReportedFirst() {
        ScsiClient client = bed.client(1);
        ScsiBed.map(
                bed.target,
                new UnitTarget.Mapping(0, bed.unit, false),
                new UnitTarget.Mapping(5, secondUnit, false, true, false));
        assertThat(client.in(0, "A00000000000000000400000", 64).hex())
                .isEqualTo("0000001000000000" + "0005000000000000" + "0000000000000000");
    }

    @Test
    void theListIsCutOffAtEveryAllocationLength() {
        ScsiClient client = bed.client(1);
        byte[] all = client.in(0, "A00002000000000000400000", 64).data();
        assertThat(all).hasSize(24);
        for (int length : new int[] {0, 1, 4, 7, 8, 15, 16, 23, 24, 64, -1}) {
            String cdb = "A00002000000" + HexFormat.of().toHexDigits(length) + "0000";
            for (int lun : new int[] {0, 7}) {
                Result result = client.in(lun, cdb, 64);
                assertThat(result.good()).isTrue();
                int expected = length < 0 ? 24 : Math.min(length, 24);
                assertThat(result.data()).isEqualTo(Arrays.copyOf(all, expected));
            }
        }
    }

    /** Nothing that the initiator did stands for an answer. */
    @ParameterizedTest
    @CsvSource({"false, 052500", "true, 0B0000"})
    void tasksAtAUnitThatGoesAreAbortedAndAnswered(boolean stays, String code) {
        ScsiClient client = bed.client(1, bed.other);
        bed.disk.fate(_ -> MemoryBlockDevice.Fate.HELD);
        CompletableFuture<Result> read =
                client.start(
                        0,
                        5,
                        TaskAttribute.SIMPLE,
                        ScsiClient.bytes("28000000000000000100"),
                        new byte[0],
                        BLOCK);
        client.in(0, "120000FFFF00", 255);
        if (stays) {
            ScsiBed.map(bed.target, new UnitTarget.Mapping(0, bed.unit, true));
        } else {
            ScsiBed.map(bed.target);
        }
        assertThat(BlockClient.await(read).outcome()).isEqualTo(ScsiTask.Outcome.COMPLETED);
        assertThat(read.join().code()).isEqualTo(Integer.parseInt(code, 16));
        assertThat(read.join().data()).isEmpty();
        assertThat(client.inFlight()).isZero();
        assertThat(client.in(0, "120000FFFF00", 255).data()[0])
                .isEqualTo((byte) (stays ? 0 : 0x7F));
    }

    @Test
    void whatWasAbortedBeforeAUnitGoesIsNotAnswered() {
        ScsiClient client = bed.client(1);
        bed.store.gate = new CountDownLatch(1);
        byte[] list = new byte[24];
        list[15] = 1;
        list[20] = 1; // APTPL: it ends when it is durable.
        CompletableFuture<Result> registered =
                client.start(
                        0,
                        5,
                        TaskAttribute.SIMPLE,
                        ScsiClient.bytes("5F000000000000001800"),
                        list,
                        0);
        var aborted = client.startManage(TaskManagement.Function.ABORT_TASK, 0, 5);
        client.in(0, "120000FFFF00", 255);
        var unmapped = new CompletableFuture<Boolean>();
        bed.target.map(List.of(), () -> unmapped.complete(true));
        client.in(0, "120000FFFF00", 255);
        assertThat(registered).isNotCompleted();
        bed.store.gate.countDown();
        BlockClient.await(unmapped);
        assertThat(BlockClient.await(aborted)).isEqualTo(TaskManagement.Response.FUNCTION_COMPLETE);
        assertThat(registered.join().outcome()).isEqualTo(ScsiTask.Outcome.ABORTED);
    }

    @Test
    void whereNothingIsSaysSo() {
        ScsiClient client = bed.client(1);
        assertThat(client.in(7, "120000FFFF00", 255).data()[0]).isEqualTo((byte) 0x7F);
        assertThat(client.in(7, "120100FFFF00", 255).hex()).isEqualTo("7f00000100");
        assertThat(client.in(7, "120180FFFF00", 255).code()).isEqualTo(0x052400);
        assertThat(client.run(7, "000000000000").code()).isEqualTo(0x052500);
        assertThat(client.in(7, "28000000000000000100", BLOCK).code()).isEqualTo(0x052500);
        assertThat(client.in(7, "030000001200", 18).hex()).startsWith("7000050000");
        assertThat(client.in(7, "A00002000000000000400000", 64).hex())
                .isEqualTo("0000001000000000" + "0000000000000000" + "c101000000000000");
        assertThat(client.in(7, "A00003000000000000400000", 64).code()).isEqualTo(0x052400);
    }

    @ParameterizedTest
    @ValueSource(
            longs = {
                0x0001_0000_0000_0001L,
                0x0000_0001_0000_0000L,
                0x0100_0000_0000_0000L,
                0x8000_0000_0000_0000L,
                0xC000_0000_0000_0000L,
                0xFFFF_FFFF_FFFF_FFFFL,
            })
    void otherLunFormatsAreNoUnit(long lun) {
        assertThat(Luns.decode(lun)).isEqualTo(Luns.UNKNOWN);
        Result result =
                BlockClient.await(
                        bed.client(1)
                                .start(
                                        lun,
                                        1,
                                        TaskAttribute.SIMPLE,
                                        ScsiClient.bytes("000000000000"),
                                        new byte[0],
                                        0));
        assertThat(result.code()).isEqualTo(0x052500);
    }

    @Test
    void lunsAreEncodedAsTheyAreDecoded() {
        for (int number = 0; number < Luns.LIMIT; number++) {
            assertThat(Luns.decode(Luns.encode(number))).isEqualTo(number);
        }
        assertThat(Luns.decode(0x4005_0000_0000_0000L)).isEqualTo(5);
    }

    @Test
    void theWellKnownUnitReportsLuns() {
        ScsiClient client = bed.client(1);
        long wellKnown = 0xC101_0000_0000_0000L;
        for (String cdb :
                new String[] {"000000000000", "A00000000000000000400000", "120000FFFF00"}) {
            Result result =
                    BlockClient.await(
                            client.start(
                                    wellKnown,
                                    9,
                                    TaskAttribute.SIMPLE,
                                    ScsiClient.bytes(cdb),
                                    new byte[0],
                                    96));
            assertThat(result.good()).isTrue();
        }
    }

    @Test
    void oneUnitOfTwoTargetsHasOneState() {
        var other =
                new UnitTarget("hba2", 0x2000_0000_0000_0002L, 0x2100_0000_0000_0002L, bed.numbers);
        ScsiBed.map(other, new UnitTarget.Mapping(4, bed.unit, false));
        ScsiClient first = bed.client(1);
        var elsewhere =
                new ScsiClient(
                        other,
                        new io.vireo.scsi.ScsiInitiator.FibreChannel(77),
                        other.fibreChannelPort(),
                        bed.other);
        elsewhere.ready(4);
        assertThat(other.group()).isNotEqualTo(bed.target.group());
        assertThat(first.run(0, "160000000000").good()).isTrue();
        assertThat(elsewhere.in(4, "28000000000000000100", BLOCK).status())
                .isEqualTo(io.vireo.scsi.ScsiStatus.RESERVATION_CONFLICT);
        byte[] groups = first.in(0, "A30A00000000000000FF0000", 255).data();
        assertThat(Bytes.u32(groups, 0)).isEqualTo(24);
        elsewhere.close();
        ScsiBed.map(other);
    }

    @Test
    void growthIsAnnounced() {
        ScsiClient client = bed.client(1, bed.other);
        bed.disk.pretendToGrow(16 << 20);
        assertThat(client.run(0, "000000000000").code()).isEqualTo(0x062A09);
        assertThat(client.in(0, "25000000000000000000", 8).hex()).startsWith("00007fff");
        assertThat(client.events()).contains("changed 0 2a09");
    }
}
