package io.vireo.device.scsi;

import static io.vireo.device.scsi.ScsiBed.BLOCK;
import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.device.scsi.ScsiClient.Result;
import io.vireo.scsi.ScsiInitiator;
import io.vireo.scsi.TaskAttribute;
import io.vireo.testkit.BlockClient;
import io.vireo.testkit.MemoryBlockDevice;
import java.util.HexFormat;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Two vHBAs with one unit, as a pair: asymmetric access states (SPC-4, 5.16.2). */
class AccessStatesTest {
    private final ScsiBed bed = new ScsiBed();
    private final UnitTarget second =
            new UnitTarget("hba2", 0x2000_0000_0000_0002L, 0x2100_0000_0000_0002L, bed.numbers);
    private final ScsiClient one = bed.client(1);
    private final ScsiClient two;

    AccessStatesTest() {
        ScsiBed.map(second, new UnitTarget.Mapping(5, bed.unit, false));
        two =
                new ScsiClient(
                        second,
                        new ScsiInitiator.FibreChannel(2),
                        second.fibreChannelPort(),
                        bed.other);
        two.ready(5);
        one.ready(0);
    }

    @AfterEach
    void close() {
        two.close();
        ScsiBed.map(second);
        bed.close();
    }

    private static String group(UnitTarget target, int state, int cause) {
        HexFormat hex = HexFormat.of();
        return "0"
                + state
                + "0f"
                + hex.toHexDigits((short) target.group())
                + ("000" + cause + "0001")
                + hex.toHexDigits(target.fibreChannelPort().relativeId());
    }

    private static String groups(ScsiClient client, int lun) {
        return client.in(lun, "A30A00000000000000FF0000", 255).hex().substring(8);
    }

    private static Result set(ScsiClient client, int lun, String... descriptors) {
        byte[] list = ScsiClient.bytes("00000000" + String.join("", descriptors));
        return client.out(
                lun, "A40A00000000" + HexFormat.of().toHexDigits(list.length) + "0000", list);
    }

    private static String descriptor(UnitTarget target, int state) {
        return "0" + state + "00" + HexFormat.of().toHexDigits((short) target.group());
    }

    private void give(UnitTarget target, int state) {
        BlockClient.on(
                bed.owner,
                () -> {
                    target.access(state);
                    return true;
                });
    }

    @ParameterizedTest
    @CsvSource({"0, 0", "1, 0", "2, 02040B", "3, 02040C"})
    void theOperatorGivesAStateAndInitiatorsAreTold(int state, String refusal) {
        give(second, 1 - Math.min(state, 1));
        two.ready(5);
        one.ready(0);
        give(second, state);
        assertThat(one.run(0, "000000000000").code()).isEqualTo(0x062A06);
        assertThat(two.run(5, "000000000000").code()).isEqualTo(0x062A06);
        int code = Integer.parseInt(refusal, 16);
        assertThat(two.in(5, "28000000000000000100", BLOCK).code()).isEqualTo(code);
        assertThat(two.run(5, "000000000000").code()).isEqualTo(code);
        assertThat(one.in(0, "28000000000000000100", BLOCK).good()).isTrue();
        // Either way tells of both.
        String pair = group(bed.target, 0, 0) + group(second, state, state == 0 ? 0 : 2);
        assertThat(groups(one, 0)).isEqualTo(pair);
        assertThat(groups(two, 5)).isEqualTo(pair);
        assertThat(two.in(5, "120000FFFF00", 255).good()).isTrue();
        assertThat(two.in(5, "5E000000000000FFFF00", 255).good()).isTrue();
    }

    /**
     * SPC-4, 5.16.2.4.4 and 5.16.2.4.5: what has nothing to do with the medium is there in standby.
     */
    @ParameterizedTest
    @CsvSource({
        "1A003F00FF00, 255", // MODE SENSE (6)
        "5A003F0000000000FF00, 255", // MODE SENSE (10)
        "4D0000000000000FFF00, 255", // LOG SENSE
        "3C0B000000000000FF00, 255", // READ BUFFER, echo buffer descriptor
        "1D0400000000, 0", // SEND DIAGNOSTIC
        "25000000000000000000, 8", // READ CAPACITY (10)
        "9E10000000000000000000000020 0000, 32", // READ CAPACITY (16)
        "030000001200, 18", // REQUEST SENSE
        "5E000000000000FFFF00, 255" // PERSISTENT RESERVE IN
    })
    void whatNeedsNoMediumIsCarriedOutInStandby(String cdb, int room) {
        give(second, PortGroups.STANDBY);
        two.ready(5);
        assertThat(two.in(5, cdb, room).good()).isTrue();
        give(second, PortGroups.UNAVAILABLE);
        two.ready(5);
        boolean everywhere = cdb.startsWith("03") || cdb.startsWith("5E");
        assertThat(two.in(5, cdb, room).code()).isEqualTo(everywhere ? 0 : 0x02040C);
    }

    /** What was begun is carried out; what comes later is not. */
    @Test
    void commandsThatAreUnderWayAreCarriedOutThoughTheStateChanges() {
        bed.disk.fate(_ -> MemoryBlockDevice.Fate.HELD);
        byte[] data = new byte[BLOCK];
        data[0] = 0x5A;
        var write =
                two.start(
                        5,
                        1,
                        TaskAttribute.SIMPLE,
                        ScsiClient.bytes("2A000000000000000100"),
                        data,
                        0);
        two.in(5, "120000FFFF00", 255);
        give(second, PortGroups.UNAVAILABLE);
        var late =
                two.start(
                        5,
                        2,
                        TaskAttribute.SIMPLE,
                        ScsiClient.bytes("2A000000000100000100"),
                        data,
                        0);
        assertThat(BlockClient.await(late).code()).isEqualTo(0x062A06);
        assertThat(two.out(5, "2A000000000100000100", data).code()).isEqualTo(0x02040C);
        assertThat(write).isNotCompleted();
        bed.disk.fate(_ -> MemoryBlockDevice.Fate.DONE);
        bed.disk.release();
        assertThat(BlockClient.await(write).good()).isTrue();
        one.ready(0);
        assertThat(one.in(0, "28000000000000000100", BLOCK).data()).isEqualTo(data);
        assertThat(one.in(0, "28000000000100000100", BLOCK).data()).containsOnly(0);
    }

    @Test
    void initiatorsFailOverByCommand() {
        give(second, PortGroups.STANDBY);
        two.ready(5);
        one.ready(0);
        Result swapped = set(two, 5, descriptor(second, 0), descriptor(bed.target, 2));
        assertThat(swapped.good()).isTrue();
        // Whoever asked knows.
        assertThat(two.run(5, "000000000000").good()).isTrue();
        assertThat(one.run(0, "000000000000").code()).isEqualTo(0x062A06);
        assertThat(one.in(0, "28000000000000000100", BLOCK).code()).isEqualTo(0x02040B);
        assertThat(two.in(5, "28000000000000000100", BLOCK).good()).isTrue();
        assertThat(groups(one, 0)).isEqualTo(group(bed.target, 2, 1) + group(second, 0, 1));
        // What is so already is no change.
        assertThat(set(two, 5, descriptor(second, 0)).good()).isTrue();
        assertThat(one.run(0, "000000000000").code()).isEqualTo(0x02040B);
        // The operator has the last word.
        give(bed.target, PortGroups.NON_OPTIMIZED);
        assertThat(one.run(0, "000000000000").code()).isEqualTo(0x062A06);
        assertThat(groups(one, 0)).isEqualTo(group(bed.target, 1, 2) + group(second, 0, 1));
        assertThat(one.in(0, "28000000000000000100", BLOCK).good()).isTrue();
    }

    @Test
    void aListThatIsWrongChangesNothing() {
        String good = descriptor(second, 2);
        assertThat(set(two, 5, good, "00000000").code()).isEqualTo(0x052600);
        assertThat(set(two, 5, good, "0f00" + good.substring(4)).code()).isEqualTo(0x052600);
        assertThat(set(two, 5, good, "00").code()).isEqualTo(0x051A00);
        assertThat(groups(two, 5)).isEqualTo(group(bed.target, 0, 0) + group(second, 0, 0));
        assertThat(two.in(5, "28000000000000000100", BLOCK).good()).isTrue();
    }

    @Test
    void aUnitThatIsMappedLaterHasTheStateOfItsTarget() {
        ScsiBed.map(second);
        give(second, PortGroups.STANDBY);
        ScsiBed.map(second, new UnitTarget.Mapping(6, bed.unit, false));
        two.ready(6);
        assertThat(two.in(6, "28000000000000000100", BLOCK).code()).isEqualTo(0x02040B);
    }
}
