package io.vireo.device.virtio.scsi;

import static io.vireo.device.virtio.scsi.ScsiDriver.NOTHING;
import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.linux.ForeignMemory;
import java.util.Arrays;
import java.util.HexFormat;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Drivers that choose other sizes of sense data and CDBs than those of the beginning. */
class ChosenSizesTest {
    private static final String LUN_0 = "0100000000000000";

    private final ScsiDriver driver = new ScsiDriver();

    @AfterEach
    void close() {
        driver.close();
    }

    /** The driver chooses how much sense data it has room for, also none. */
    @ParameterizedTest
    @ValueSource(ints = {0, 1, 8, 17, 18, 252})
    void senseDataAreCutOffAtTheSizeThatTheDriverChose(int size) {
        driver.ready();
        assertThat(driver.configure(20, size, 0, 0, 0)).isTrue();
        driver.restart(ScsiDriver.REQUEST);
        int room = ScsiProtocol.RESPONSE_HEADER + size;
        long in = driver.memory.allocate(room + 1, 16);
        ForeignMemory.fill(driver.memory.host(in), room + 1, (byte) 0xEE);
        byte[] unknown = ScsiDriver.request(LUN_0, 9, "FF 00 00 00 00 00", NOTHING);
        driver.submit(ScsiDriver.REQUEST, unknown, in, room, 4096);
        driver.used(ScsiDriver.REQUEST);
        int told = Math.min(size, 18);
        assertThat(driver.driver[ScsiDriver.REQUEST].usedLength())
                .isEqualTo(ScsiProtocol.RESPONSE_HEADER + told);
        byte[] response = driver.get(in, room + 1);
        assertThat(response).startsWith(told, 0, 0, 0).endsWith(0xEE);
        // CHECK CONDITION, S_OK, and as much of the sense data as there is room for.
        assertThat(Arrays.copyOfRange(response, 10, 12)).containsExactly(2, 0);
        byte[] sense =
                HexFormat.of().parseHex("70000500000000" + "0a00000000" + "2000" + "00c00000");
        assertThat(Arrays.copyOfRange(response, 12, 12 + told))
                .isEqualTo(Arrays.copyOf(sense, told));
    }

    /** What of a CDB is beyond the size that the driver chose is not there. */
    @ParameterizedTest
    @CsvSource({"1, 052400", "6, 0", "9, 052400", "10, 0", "32, 0"})
    void aCdbHasTheSizeThatTheDriverChose(int size, String code) {
        driver.ready();
        assertThat(driver.configure(24, size, 0, 0, 0)).isTrue();
        driver.restart(ScsiDriver.REQUEST);
        String cdb = size < 9 ? "00 00 00 00 00 00" : "25 00 00 00 00 00 00 00 00 00";
        byte[] request = Arrays.copyOf(ScsiDriver.request(LUN_0, 9, cdb, NOTHING), 19 + size);
        int room = ScsiProtocol.RESPONSE_HEADER + ScsiProtocol.SENSE_SIZE + 8;
        long in = driver.memory.allocate(room, 16);
        driver.submit(ScsiDriver.REQUEST, request, in, room, 4096);
        driver.used(ScsiDriver.REQUEST);
        assertThat(driver.answer(in, 8).code()).isEqualTo(Integer.parseInt(code, 16));
        assertThat(driver.answer(in, 8).response()).isEqualTo(ScsiProtocol.S_OK);
    }
}
