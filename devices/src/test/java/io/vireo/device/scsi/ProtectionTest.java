package io.vireo.device.scsi;

import static io.vireo.device.scsi.ScsiBed.BLOCK;
import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.device.scsi.ScsiClient.Result;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Protection information is not there, said so everywhere, and refused to whoever asks for it. */
class ProtectionTest {
    private static final int INVALID_FIELD_IN_CDB = 0x052400;

    private final ScsiBed bed = new ScsiBed();
    private final ScsiClient client = bed.client(1);

    @AfterEach
    void close() {
        bed.close();
    }

    @Test
    void everythingSaysThatThereIsNone() {
        // PROTECT, of standard INQUIRY data.
        assertThat(client.in(0, "120000FFFF00", 255).data()[5] & 0x01).isZero();
        // SPT, GRD_CHK, APP_CHK and REF_CHK, of extended INQUIRY data.
        assertThat(client.in(0, "120186FFFF00", 255).data()[4] & 0x3F).isZero();
        // P_TYPE and PROT_EN, and P_I_EXPONENT, of READ CAPACITY.
        byte[] capacity = client.in(0, "9E100000000000000000000000200000", 32).data();
        assertThat(capacity[12] & 0x0F).isZero();
        assertThat(capacity[13] & 0xF0).isZero();
        // ATO, of the control mode page, as it is and as it can be changed.
        assertThat(client.in(0, "1A080A00FF00", 255).data()[4 + 5] & 0x80).isZero();
        assertThat(client.in(0, "1A084A00FF00", 255).data()[4 + 5] & 0x80).isZero();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "28000000000000000100",
                "A80000000000000000010000",
                "88000000000000000000000000010000",
                "2A000000000000000100",
                "AA0000000000000000010000",
                "8A000000000000000000000000010000",
                "2E000000000000000100",
                "AE0000000000000000010000",
                "8E000000000000000000000000010000",
                "2F020000000000000100",
                "AF0200000000000000010000",
                "8F020000000000000000000000010000",
                "41000000000000000100",
                "93000000000000000000000000010000",
                "89000000000000000000000000010000",
                "8B000000000000000000000000010000",
                "9C000000000000000000000000080000",
                "7F000000000000180009000000000000000000000000000000000000 00000001",
                "7F00000000000018000A020000000000000000000000000000000000 00000001",
                "7F00000000000018000B000000000000000000000000000000000000 00000001",
                "7F00000000000018000C020000000000000000000000000000000000 00000001",
                "7F00000000000018000D000000000000000000000000000000000000 00000001",
            })
    void aCommandThatAsksForItIsRefused(String text) {
        byte[] cdb = ScsiClient.bytes(text);
        int at = cdb[0] == Command.VARIABLE_LENGTH ? 10 : 1;
        for (int protect = 1; protect < 8; protect++) {
            byte[] asking = cdb.clone();
            asking[at] |= (byte) (protect << 5);
            Result result = client.run(0, asking, new byte[8 * BLOCK], 8 * BLOCK);
            assertThat(result.code()).isEqualTo(INVALID_FIELD_IN_CDB);
            // The field, and its highest bit that is set.
            int bit = 5 + 31 - Integer.numberOfLeadingZeros(protect);
            assertThat(Bytes.u24(result.sense(), 15)).isEqualTo((0xC8 | bit) << 16 | at);
            assertThat(result.data()).isEmpty();
        }
        assertThat(bed.disk.log()).isEmpty();
    }

    @Test
    void formatMakesNone() {
        byte[] list = {0, 0, 0, 0};
        for (int information = 1; information < 4; information++) {
            byte[] cdb = {4, (byte) (information << 6 | 0x10), 0, 0, 0, 0};
            assertThat(client.run(0, cdb, list, 0).code()).isEqualTo(INVALID_FIELD_IN_CDB);
        }
        // PROTECTION FIELD USAGE.
        for (int usage = 1; usage < 8; usage++) {
            list[0] = (byte) usage;
            assertThat(client.out(0, "041000000000", list).code()).isEqualTo(0x052600);
        }
        assertThat(bed.disk.log()).isEmpty();
    }

    @Test
    void expectedTagsOfLongCdbsAreTakenAndNotLookedAt() {
        byte[] data = new byte[BLOCK];
        data[3] = 7;
        String tags = "0000 0000000000000005 DEADBEEF 1234 FFFF 00000001";
        assertThat(client.out(0, "7F00000000000018000B" + tags, data).good()).isTrue();
        Result read = client.in(0, "7F000000000000180009" + tags, BLOCK);
        assertThat(read.good()).isTrue();
        assertThat(read.data()).isEqualTo(data);
    }
}
