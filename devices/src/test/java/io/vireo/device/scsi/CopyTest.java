package io.vireo.device.scsi;

import static io.vireo.device.scsi.CopyLists.cdb;
import static io.vireo.device.scsi.CopyLists.cscd;
import static io.vireo.device.scsi.CopyLists.hex;
import static io.vireo.device.scsi.CopyLists.list;
import static io.vireo.device.scsi.CopyLists.longList;
import static io.vireo.device.scsi.CopyLists.segment;
import static io.vireo.device.scsi.ScsiBed.BLOCK;
import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.block.BlockOperation;
import io.vireo.block.BlockStatus;
import io.vireo.device.scsi.ScsiClient.Result;
import io.vireo.scsi.ScsiStatus;
import io.vireo.scsi.ScsiTask;
import io.vireo.scsi.TaskAttribute;
import io.vireo.scsi.TaskManagement;
import io.vireo.testkit.BlockClient;
import io.vireo.testkit.Eventually;
import io.vireo.testkit.MemoryBlockDevice;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** EXTENDED COPY and what is told of it, between units of two reactors. */
class CopyTest extends TwoUnitsBed {
    private static Result copy(ScsiClient client, byte[] list) {
        return client.out(0, cdb(0, list.length), list);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void blocksGoToAnotherUnitAndWithinOne(boolean direct) {
        ScsiClient client = client(1, direct);
        byte[] data = random(5000 * BLOCK);
        fill(client, data);
        String units = cscd(bed.unit) + cscd(other);
        Result result =
                copy(
                        client,
                        list(
                                7,
                                units,
                                segment(0, 1, 5000, 0, 3000)
                                        + segment(1, 0xFFFF, 100, 3010, 9000)));
        assertThat(result.good()).isTrue();
        assertThat(second.contents(3000L * BLOCK, data.length)).isEqualTo(data);
        assertThat(bed.disk.contents(9000L * BLOCK, 100 * BLOCK))
                .isEqualTo(Arrays.copyOfRange(data, 10 * BLOCK, 110 * BLOCK));
        // Completed without errors, two segments, in bytes.
        assertThat(client.in(0, "84000700000000000000000000FF0000", 255).hex())
                .isEqualTo("00000008" + "01" + "0002" + "00" + hex(5100 * BLOCK));
        assertThat(client.in(0, "84010700000000000000000000FF0000", 255).hex())
                .isEqualTo("00000000");
        assertThat(client.in(0, "84000800000000000000000000FF0000", 255).code())
                .isEqualTo(0x052400);
        assertThat(client.in(0, "84030000000000000000000000FF0000", 255).hex())
                .isEqualTo(
                        "0000002a"
                                + "01000000"
                                + "00080040"
                                + "00000800"
                                + "01fffe00"
                                + "00000000".repeat(3)
                                + "00000004"
                                + "04090000"
                                + "000000"
                                + "0202e4");
    }

    @Test
    void holesStayHoles() {
        ScsiClient client = client(1, true);
        client.out(0, "2A000000010000000800", random(8 * BLOCK));
        client.out(1, "2A000000000000000800", random(8 * BLOCK));
        assertThat(copy(client, list(1, cscd(other), segment(0xFFFF, 0, BLOCKS - 1, 0, 0))).good())
                .isTrue();
        assertThat(second.contents(0, 8 * BLOCK)).containsOnly(0);
        assertThat(second.contents(256 * BLOCK, 8 * BLOCK))
                .isEqualTo(bed.disk.contents(256 * BLOCK, 8 * BLOCK));
        assertThat(second.log().stream().filter(e -> e.operation() == BlockOperation.WRITE))
                .allMatch(e -> e.offset() == 0 || e.offset() >= 256 * BLOCK);
        assertThat(second.log().stream().anyMatch(e -> e.unmap())).isTrue();
    }

    @Test
    void longIdentifiersAndTheBackground() {
        ScsiClient client = client(1, true);
        byte[] data = random(100 * BLOCK);
        fill(client, data);
        second.fate(_ -> MemoryBlockDevice.Fate.HELD);
        byte[] list = longList(0x01020304, true, cscd(other), segment(0xFFFF, 0, 100, 0, 0));
        assertThat(client.out(0, cdb(1, list.length), list).good()).isTrue();
        // In progress, in the background.
        assertThat(client.in(0, "84050102030400000000000000FF0000", 255).hex().substring(8, 12))
                .isEqualTo("0112");
        assertThat(client.out(0, cdb(1, list.length), list).code()).isEqualTo(0x050016);
        second.fate(_ -> MemoryBlockDevice.Fate.DONE);
        second.release();
        String status;
        do {
            status = client.in(0, "84050102030400000000000000FF0000", 255).hex();
        } while (status.startsWith("0112", 8));
        assertThat(status)
                .isEqualTo(
                        "0000003c"
                                + "01010000"
                                + "00000000"
                                + "002000f1"
                                + "0000000000000064"
                                + "0001"
                                + "00".repeat(38));
        assertThat(second.contents(0, data.length)).isEqualTo(data);
    }

    private static byte[] background(int id, LogicalUnit to) {
        return longList(id, true, cscd(to), segment(0xFFFF, 0, 10, 0, 0));
    }

    @Test
    void aCopyInTheBackgroundIsATaskUntilItsTurnComes() {
        ScsiClient client = client(1, true);
        fill(client, random(10 * BLOCK));
        second.fate(_ -> MemoryBlockDevice.Fate.HELD);
        for (int id = 1; id <= CopyManager.CONCURRENT; id++) {
            byte[] list = background(id, other);
            assertThat(client.out(0, cdb(1, list.length), list).good()).isTrue();
        }
        List<CompletableFuture<Result>> waiting = new ArrayList<>();
        for (int id = 5; id <= 7; id++) {
            byte[] list = background(id, other);
            byte[] cdb = ScsiClient.bytes(cdb(1, list.length));
            waiting.add(client.start(0, id, TaskAttribute.SIMPLE, cdb, list, 0));
        }
        // In progress, in the foreground.
        assertThat(client.in(0, "84050000000700000000000000FF0000", 255).hex().substring(8, 12))
                .isEqualTo("0111");
        assertThat(waiting).noneMatch(CompletableFuture::isDone);
        assertThat(client.manage(TaskManagement.Function.QUERY_TASK, 0, 6))
                .isEqualTo(TaskManagement.Response.FUNCTION_SUCCEEDED);
        assertThat(client.manage(TaskManagement.Function.ABORT_TASK, 0, 6))
                .isEqualTo(TaskManagement.Response.FUNCTION_COMPLETE);
        assertThat(client.run(0, "831C000000070000000000000000 0000").good()).isTrue();
        assertThat(BlockClient.await(waiting.get(2)).code()).isEqualTo(0x0A0000);
        second.fate(_ -> MemoryBlockDevice.Fate.DONE);
        second.release();
        assertThat(BlockClient.await(waiting.get(0)).good()).isTrue();
        assertThat(BlockClient.await(waiting.get(1)).outcome()).isEqualTo(ScsiTask.Outcome.ABORTED);
    }

    @Test
    void aListIdentifierIsInUseAtOnce() {
        ScsiClient client = client(1, true);
        byte[] list = list(9, cscd(other), segment(0xFFFF, 0, 10, 0, 0));
        byte[] cdb = ScsiClient.bytes(cdb(0, list.length));
        List<CompletableFuture<Result>> both = new ArrayList<>();
        // From within the reactor: it has both before it knows what there is to copy.
        BlockClient.on(
                client.reactor,
                () -> {
                    for (int tag = 1; tag <= 2; tag++) {
                        both.add(client.start(0, tag, TaskAttribute.SIMPLE, cdb, list, 0));
                    }
                    return true;
                });
        assertThat(BlockClient.await(both.get(1)).code()).isEqualTo(0x050016);
        assertThat(BlockClient.await(both.get(0)).good()).isTrue();
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aUnitThatIsUnmappedAndClosedIsNotLookedAtByCopies(boolean immediate) {
        ScsiClient client = client(1, true);
        var third = new MemoryBlockDevice(ScsiBed.CAPACITY, BLOCK);
        LogicalUnit gone =
                new LogicalUnit(
                        UnitIdentity.of("disk3", "uid of disk3"),
                        bed.groups.take("disk3"),
                        third,
                        bed.other,
                        new ScsiBed.MemoryStore(),
                        new ScsiBed.MemoryStore(),
                        new SharedRoom(bed.pool));
        UnitTarget.Mapping[] rest = {
            new UnitTarget.Mapping(0, bed.unit, false), new UnitTarget.Mapping(1, other, false)
        };
        var all = Arrays.copyOf(rest, 3);
        all[2] = new UnitTarget.Mapping(2, gone, false);
        ScsiBed.map(bed.target, all);
        client.ready(2).ready(1).ready(0);
        assertThat(client.out(2, "2A000000000000100000", random(4096 * BLOCK)).good()).isTrue();
        second.fate(_ -> MemoryBlockDevice.Fate.HELD);
        byte[] list = longList(9, immediate, cscd(gone) + cscd(other), segment(0, 1, 4096, 0, 0));
        byte[] cdb = ScsiClient.bytes(cdb(1, list.length));
        var copying = client.start(0, 77, TaskAttribute.SIMPLE, cdb, list, 0);
        Eventually.until("the copy has begun", () -> !second.log().isEmpty());
        ScsiBed.map(bed.target, rest);
        var closed = new CompletableFuture<Boolean>();
        gone.close(() -> closed.complete(true));
        BlockClient.await(closed);
        second.fate(_ -> MemoryBlockDevice.Fate.DONE);
        second.release();
        if (!immediate) {
            assertThat(BlockClient.await(copying).code()).isEqualTo(0x0A0D02);
        }
        String status;
        do {
            status = client.ready(0).in(0, "84050000000900000000000000FF0000", 255).hex();
        } while (status.startsWith("011", 8));
        assertThat(status.substring(8, 12)).isEqualTo("0102");
        third.close();
    }

    @Test
    void whatIsMaskedCannotBeReached() {
        ScsiClient client = client(1, true);
        ScsiBed.map(bed.target, new UnitTarget.Mapping(0, bed.unit, false));
        client.ready(0);
        assertThat(copy(client, list(1, cscd(other), segment(0, 0xFFFF, 1, 0, 0))).code())
                .isEqualTo(0x0A0D02);
        assertThat(copy(client, list(1, cscd(other), segment(0xFFFF, 0, 1, 0, 0))).code())
                .isEqualTo(0x0A0D02);
        assertThat(second.log()).isEmpty();
        // What it failed by, and that it did.
        assertThat(client.in(0, "84000100000000000000000000FF0000", 255).hex())
                .isEqualTo("00000008" + "02" + "0000" + "00" + "00000000");
        assertThat(client.in(0, "84040100000000000000000000FF0000", 255).hex())
                .startsWith("0000004a" + "00".repeat(52) + "02000012" + "70000a");
    }

    @Test
    void reservationsAndWriteProtectionCountAtBothUnits() {
        ScsiClient client = client(1, true);
        ScsiClient holder = client(2, false);
        byte[] list = list(1, cscd(other), segment(0xFFFF, 0, 10, 0, 0));
        byte[] key = ScsiClient.bytes("0000000000000000" + "00000000000000aa" + "0000000000000000");
        assertThat(holder.out(1, "5F000000000000001800", key).good()).isTrue();
        byte[] own = ScsiClient.bytes("00000000000000aa" + "0000000000000000" + "0000000000000000");
        assertThat(holder.out(1, "5F010100000000001800", own).good()).isTrue();
        assertThat(copy(client, list).code()).isEqualTo(0x0A0D02);
        // Reading is allowed by Write Exclusive.
        byte[] back = list(1, cscd(other), segment(0, 0xFFFF, 10, 0, 0));
        assertThat(copy(client, back).good()).isTrue();
        assertThat(holder.out(1, "5F030000000000001800", own).good()).isTrue();
        assertThat(copy(client, list).good()).isTrue();
        ScsiBed.map(
                bed.target,
                new UnitTarget.Mapping(0, bed.unit, false),
                new UnitTarget.Mapping(1, other, true));
        client.ready(0);
        assertThat(copy(client, list).code()).isEqualTo(0x072700);
    }

    @Test
    void aUnitAttentionOfTheOtherUnitStays() {
        ScsiClient client = client(1, true);
        client(2, false).manage(TaskManagement.Function.LOGICAL_UNIT_RESET, 1, 0);
        assertThat(copy(client, list(1, cscd(other), segment(0xFFFF, 0, 10, 0, 0))).good())
                .isTrue();
        assertThat(client.run(1, "000000000000").code()).isEqualTo(0x062903);
    }

    @Test
    void failuresOfTheHostAreToldAndNothingFollows() {
        ScsiClient client = client(1, true);
        fill(client, random(10 * BLOCK));
        second.fate(_ -> new MemoryBlockDevice.Fate.Ends(BlockStatus.IO_ERROR));
        String twice = segment(0xFFFF, 0, 10, 0, 0) + segment(0xFFFF, 0, 10, 0, 100);
        assertThat(copy(client, list(1, cscd(other), twice)).code()).isEqualTo(0x0A0D01);
        assertThat(second.log().stream().filter(e -> !e.completion())).hasSize(1);
        second.fate(_ -> new MemoryBlockDevice.Fate.Ends(BlockStatus.NO_SPACE));
        assertThat(copy(client, list(1, cscd(other), twice)).code()).isEqualTo(0x072707);
    }

    @ParameterizedTest
    @EnumSource(
            names = {
                "ABORT_TASK",
                "ABORT_TASK_SET",
                "CLEAR_TASK_SET",
                "I_T_NEXUS_RESET",
                "LOGICAL_UNIT_RESET"
            })
    void aCopyIsAbortedAndOthersAreNotKeptWaiting(TaskManagement.Function function) {
        ScsiClient client = client(1, true);
        fill(client, random(4000 * BLOCK));
        second.fate(_ -> MemoryBlockDevice.Fate.HELD);
        byte[] list = list(9, cscd(other), segment(0xFFFF, 0, 4000, 0, 0));
        CompletableFuture<Result> copying =
                client.start(
                        0,
                        77,
                        TaskAttribute.SIMPLE,
                        ScsiClient.bytes(cdb(0, list.length)),
                        list,
                        0);
        // One that runs alone does not wait for the copy.
        assertThat(client.out(0, "8900" + "00".repeat(11) + "010000", new byte[2 * BLOCK]).status())
                .isEqualTo(ScsiStatus.CHECK_CONDITION);
        assertThat(client.in(0, "28000000000000000100", BLOCK).good()).isTrue();
        Eventually.until("the copy has begun", () -> !second.log().isEmpty());
        var managed = client.startManage(function, 0, 77);
        second.fate(_ -> MemoryBlockDevice.Fate.DONE);
        second.release();
        assertThat(BlockClient.await(managed)).isEqualTo(TaskManagement.Response.FUNCTION_COMPLETE);
        assertThat(BlockClient.await(copying).outcome())
                .isEqualTo(
                        function == TaskManagement.Function.LOGICAL_UNIT_RESET
                                ? ScsiTask.Outcome.RESET
                                : ScsiTask.Outcome.ABORTED);
        assertThat(second.contents(3000L * BLOCK, 1000 * BLOCK)).containsOnly(0);
    }

    /** What the copy manager asks of a unit is not its initiator's there (SPC-4, 5.17). */
    @ParameterizedTest
    @EnumSource(names = {"ABORT_TASK_SET", "CLEAR_TASK_SET"})
    void aCopyOutlivesFunctionsAtTheUnitThatItGoesTo(TaskManagement.Function function) {
        ScsiClient client = client(1, true);
        byte[] data = random(10 * BLOCK);
        fill(client, data);
        second.fate(_ -> MemoryBlockDevice.Fate.HELD);
        byte[] list = list(9, cscd(other), segment(0xFFFF, 0, 10, 0, 0));
        CompletableFuture<Result> copying =
                client.start(
                        0,
                        77,
                        TaskAttribute.SIMPLE,
                        ScsiClient.bytes(cdb(0, list.length)),
                        list,
                        0);
        Eventually.until("the copy has begun", () -> !second.log().isEmpty());
        var managed = client.startManage(function, 1, 0);
        // When this is answered the other one has been carried out, as far as it can be.
        assertThat(client.manage(TaskManagement.Function.QUERY_TASK_SET, 1, 0))
                .isEqualTo(TaskManagement.Response.FUNCTION_COMPLETE);
        second.fate(_ -> MemoryBlockDevice.Fate.DONE);
        second.release();
        assertThat(BlockClient.await(managed)).isEqualTo(TaskManagement.Response.FUNCTION_COMPLETE);
        assertThat(BlockClient.await(copying).good()).isTrue();
        assertThat(second.contents(0, data.length)).isEqualTo(data);
    }

    /** Its task has ended, and functions abort tasks (SAM-5, 5.5). */
    @ParameterizedTest
    @EnumSource(names = {"ABORT_TASK_SET", "CLEAR_TASK_SET", "I_T_NEXUS_RESET"})
    void aCopyInTheBackgroundOutlivesFunctionsAtEitherUnit(TaskManagement.Function function) {
        ScsiClient client = client(1, true);
        byte[] data = random(10 * BLOCK);
        fill(client, data);
        second.fate(_ -> MemoryBlockDevice.Fate.HELD);
        byte[] list = background(3, other);
        assertThat(client.out(0, cdb(1, list.length), list).good()).isTrue();
        Eventually.until("the copy has begun", () -> !second.log().isEmpty());
        for (int lun = 0; lun < 2; lun++) {
            assertThat(client.manage(function, lun, 0))
                    .isEqualTo(TaskManagement.Response.FUNCTION_COMPLETE);
        }
        second.fate(_ -> MemoryBlockDevice.Fate.DONE);
        second.release();
        Eventually.until("the copy", () -> Arrays.equals(second.contents(0, data.length), data));
    }

    @Test
    void aCopyIsEndedByItsInitiator() {
        ScsiClient client = client(1, true);
        fill(client, random(4000 * BLOCK));
        second.fate(_ -> MemoryBlockDevice.Fate.HELD);
        byte[] list = list(9, cscd(other), segment(0xFFFF, 0, 4000, 0, 0));
        CompletableFuture<Result> copying =
                client.start(
                        0,
                        77,
                        TaskAttribute.SIMPLE,
                        ScsiClient.bytes(cdb(0, list.length)),
                        list,
                        0);
        Eventually.until("the copy has begun", () -> !second.log().isEmpty());
        assertThat(client(2, true).run(0, "831C000000090000000000000000 0000").code())
                .isEqualTo(0x052400);
        assertThat(client.run(0, "831C000000090000000000000000 0000").good()).isTrue();
        second.fate(_ -> MemoryBlockDevice.Fate.DONE);
        second.release();
        assertThat(BlockClient.await(copying).code()).isEqualTo(0x0A0000);
        assertThat(client.run(0, "831C000000090000000000000000 0000").code()).isEqualTo(0x052400);
    }

    @Test
    void listsThatAreWrongCopyNothing() {
        ScsiClient client = client(1, true);
        String unit = cscd(bed.unit);
        String good = segment(0, 0, 10, 0, 100);
        assertThat(client.run(0, cdb(0, 0)).good()).isTrue();
        assertThat(client.out(0, cdb(0, 15), new byte[15]).code()).isEqualTo(0x051A00);
        byte[] cut = Arrays.copyOf(list(1, unit, good), 16 + 32 + 27);
        assertThat(copy(client, cut).code()).isEqualTo(0x051A00);
        assertThat(copy(client, list(1, unit.repeat(9), good)).code()).isEqualTo(0x052606);
        assertThat(copy(client, list(1, unit, good.repeat(65))).code()).isEqualTo(0x052608);
        assertThat(copy(client, list(1, unit.repeat(8), good.repeat(66))).code())
                .isEqualTo(0x051A00);
        assertThat(copy(client, list(1, "e0" + unit.substring(2), good)).code())
                .isEqualTo(0x052607);
        assertThat(copy(client, list(1, unit, "03" + good.substring(2))).code())
                .isEqualTo(0x052609);
        assertThat(copy(client, list(1, unit, segment(0, 1, 10, 0, 100))).code())
                .isEqualTo(0x0A0D02);
        assertThat(copy(client, list(1, unit, segment(0, 0, 10, 0, BLOCKS - 9))).code())
                .isEqualTo(0x0A0000);
        assertThat(copy(client, list(1, unit, segment(0, 0, 10, -1, 0))).code())
                .isEqualTo(0x0A0000);
        byte[] inline = list(1, unit, good);
        inline[15] = 1;
        assertThat(copy(client, inline).code()).isEqualTo(0x05260B);
        byte[] tape = list(1, unit, good);
        tape[17] = 1;
        assertThat(copy(client, tape).code()).isEqualTo(0x0A0D03);
        assertThat(bed.disk.log()).isEmpty();
        assertThat(copy(client, list(1, unit, segment(0, 0, 10, 0, BLOCKS - 10))).good()).isTrue();
    }
}
