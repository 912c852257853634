package io.vireo.device.scsi;

import static io.vireo.device.scsi.CopyLists.hex;
import static io.vireo.device.scsi.CopyLists.ranges;
import static io.vireo.device.scsi.ScsiBed.BLOCK;
import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.device.scsi.ScsiClient.Result;
import io.vireo.testkit.BlockClient;
import io.vireo.testkit.Eventually;
import io.vireo.testkit.MemoryBlockDevice;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Copies by token (POPULATE TOKEN, WRITE USING TOKEN), between units of two reactors. */
class TokenCopyTest extends TwoUnitsBed {
    private static Result token(ScsiClient client, int lun, int action, int id, String list) {
        byte[] bytes = ScsiClient.bytes(list);
        Bytes.put16(bytes, 0, bytes.length - 2);
        String cdb = "83" + HexFormat.of().toHexDigits((byte) action) + "00000000" + hex(id);
        return client.out(lun, cdb + hex(bytes.length) + "0000", bytes);
    }

    private static Result populate(ScsiClient client, int id, String ranges) {
        return token(client, 0, 0x10, id, "0000" + "00".repeat(12) + ranges);
    }

    private static Result write(ScsiClient client, int lun, int at, byte[] token, String ranges) {
        String text = HexFormat.of().formatHex(token);
        String offset = HexFormat.of().toHexDigits((long) at);
        return token(
                client,
                lun,
                0x11,
                5,
                "0000" + "00".repeat(6) + offset + text + "00".repeat(6) + ranges);
    }

    private static Result information(ScsiClient client, int lun, int id) {
        return client.in(lun, "8407" + hex(id) + "0000000000000400" + "0000", 1024);
    }

    private static byte[] tokenOf(Result information) {
        byte[] data = information.data();
        assertThat(Bytes.u32(data, 64)).isEqualTo(514);
        return Arrays.copyOfRange(data, 70, 70 + 512);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aTokenStandsForItsData(boolean direct) {
        ScsiClient client = client(1, direct);
        byte[] data = random(3000 * BLOCK);
        fill(client, data);
        assertThat(populate(client, 4, ranges(100, 1000, 2000, 500)).good()).isTrue();
        Result made = information(client, 0, 4);
        assertThat(made.hex())
                .startsWith(
                        "00000242"
                                + "10010000"
                                + "00000000"
                                + "002000f1"
                                + "00000000000005dc"
                                + "0000"
                                + "00".repeat(38)
                                + "00000202"
                                + "0000"
                                + "00800001"
                                + "0000"
                                + "01f8");
        byte[] token = tokenOf(made);
        assertThat(write(client, 1, 900, token, ranges(0, 150, 4000, 100)).good()).isTrue();
        assertThat(second.contents(0, 100 * BLOCK))
                .isEqualTo(Arrays.copyOfRange(data, 1000 * BLOCK, 1100 * BLOCK));
        assertThat(second.contents(100 * BLOCK, 50 * BLOCK))
                .isEqualTo(Arrays.copyOfRange(data, 2000 * BLOCK, 2050 * BLOCK));
        assertThat(second.contents(4000 * BLOCK, 100 * BLOCK))
                .isEqualTo(Arrays.copyOfRange(data, 2050 * BLOCK, 2150 * BLOCK));
        assertThat(information(client, 1, 5).hex())
                .startsWith("00000040" + "11010000" + "00000000" + "002000f1" + "00000000000000fa")
                .hasSize(2 * 68);
        // More than there is.
        assertThat(write(client, 1, 1400, token, ranges(0, 101)).code()).isEqualTo(0x052600);
        // Another initiator that sees both units may use it, one that does not may not.
        assertThat(write(client(2, true), 1, 0, token, ranges(0, 10)).good()).isTrue();
        ScsiBed.map(bed.target, new UnitTarget.Mapping(1, other, false));
        client.ready(1);
        assertThat(write(client, 1, 0, token, ranges(0, 10)).code()).isEqualTo(0x052304);
    }

    @Test
    void aTokenOfAnEarlierDaemonIsUnknownAndHarmsNothing() {
        ScsiClient client = client(1, true);
        fill(client, random(100 * BLOCK));
        assertThat(populate(client, 4, ranges(0, 100)).good()).isTrue();
        byte[] token = tokenOf(information(client, 0, 4));
        // The same unit after a restart: what a token stands for is not kept.
        try (var after = new ScsiBed()) {
            ScsiClient later = after.client(1);
            assertThat(after.unit.identity()).isEqualTo(bed.unit.identity());
            byte[] there = random(10 * BLOCK);
            assertThat(later.out(0, "2A000000000000000A00", there).good()).isTrue();
            Result stale = write(later, 0, 0, token, ranges(0, 10));
            assertThat(stale.code()).isEqualTo(0x052304);
            assertThat(after.disk.contents(0, 10 * BLOCK)).isEqualTo(there);
        }
    }

    @Test
    void aTokenIsRevokedWhenItsDataChanges() {
        ScsiClient client = client(1, true);
        fill(client, random(100 * BLOCK));
        assertThat(populate(client, 4, ranges(10, 10)).good()).isTrue();
        byte[] token = tokenOf(information(client, 0, 4));
        client.out(0, "2A000000000900000100", new byte[BLOCK]);
        assertThat(write(client, 1, 0, token, ranges(0, 10)).good()).isTrue();
        client.out(0, "2A000000001300000100", new byte[BLOCK]);
        assertThat(write(client, 1, 0, token, ranges(0, 10)).code()).isEqualTo(0x052306);
        byte[] guessed = token.clone();
        guessed[511] ^= 1;
        assertThat(write(client, 1, 0, guessed, ranges(0, 10)).code()).isEqualTo(0x052304);
    }

    @Test
    void aTokenIsRevokedInTheMiddleOfItsUse() {
        ScsiClient client = client(1, true);
        fill(client, random(4000 * BLOCK));
        assertThat(populate(client, 4, ranges(0, 4000)).good()).isTrue();
        byte[] token = tokenOf(information(client, 0, 4));
        second.fate(_ -> MemoryBlockDevice.Fate.HELD);
        var ended =
                CompletableFuture.supplyAsync(() -> write(client, 1, 0, token, ranges(0, 4000)));
        Eventually.until("the copy has begun", () -> !second.log().isEmpty());
        assertThat(client(2, true).out(0, "2A00000003E800000100", new byte[BLOCK]).good()).isTrue();
        second.fate(_ -> MemoryBlockDevice.Fate.DONE);
        second.release();
        assertThat(BlockClient.await(ended).code()).isEqualTo(0x052306);
    }

    @Test
    void zeroesHaveATokenOfTheirOwn() {
        ScsiClient client = client(1, true);
        client.out(1, "2A000000000000000800", random(8 * BLOCK));
        byte[] zero = new byte[512];
        Bytes.put32(zero, 0, 0xFFFF0001L);
        assertThat(write(client, 1, 0, zero, ranges(1, 7)).good()).isTrue();
        assertThat(second.contents(BLOCK, 7 * BLOCK)).containsOnly(0);
        assertThat(second.contents(0, BLOCK)).isNotEqualTo(new byte[BLOCK]);
    }

    @Test
    void emptyRangesHaveNoBlockInCommon() {
        ScsiClient client = client(1, true);
        byte[] data = random(20 * BLOCK);
        fill(client, data);
        assertThat(populate(client, 1, ranges(0, 20, 5, 0, 0, 0)).good()).isTrue();
        byte[] token = tokenOf(information(client, 0, 1));
        assertThat(write(client, 1, 0, token, ranges(9, 0, 4, 20, 8, 0)).good()).isTrue();
        assertThat(second.contents(4 * BLOCK, 20 * BLOCK)).isEqualTo(data);
    }

    @Test
    void nobodysTokensMakeRoomForThoseOfOneInitiator() {
        ScsiClient client = client(1, true);
        ScsiClient greedy = client(2, false);
        assertThat(populate(client, 1, ranges(0, 4)).good()).isTrue();
        byte[] token = tokenOf(information(client, 0, 1));
        assertThat(populate(greedy, 2, ranges(0, 4)).good()).isTrue();
        byte[] first = tokenOf(information(greedy, 0, 2));
        for (int i = 0; i < 5 * Tokens.MAX_OF_ONE; i++) {
            assertThat(populate(greedy, 3, ranges(0, 4)).good()).isTrue();
        }
        assertThat(write(client, 1, 0, token, ranges(0, 4)).good()).isTrue();
        assertThat(write(greedy, 1, 0, first, ranges(0, 4)).code()).isEqualTo(0x052304);
    }

    @Test
    void tokenListsThatAreWrongAreRefused() {
        ScsiClient client = client(1, true);
        assertThat(populate(client, 4, ranges(0, BLOCKS + 1)).code()).isEqualTo(0x052100);
        assertThat(populate(client, 4, ranges(0, 10, 9, 10)).code()).isEqualTo(0x052600);
        assertThat(populate(client, 4, "0000").code()).isEqualTo(0x052600);
        assertThat(populate(client, 4, "0020" + ranges(0, 1).substring(4)).code())
                .isEqualTo(0x052600);
        assertThat(
                        token(
                                        client,
                                        0,
                                        0x10,
                                        4,
                                        "00000200"
                                                + "00000000"
                                                + "00010000"
                                                + "0000"
                                                + ranges(0, 1))
                                .code())
                .isEqualTo(0x052301);
        assertThat(
                        token(
                                        client,
                                        0,
                                        0x10,
                                        4,
                                        "00000000" + "0000012d" + "00".repeat(6) + ranges(0, 1))
                                .code())
                .isEqualTo(0x052600);
        assertThat(write(client, 1, -1, new byte[512], ranges(0, 1)).code()).isEqualTo(0x052600);
        assertThat(write(client, 1, 0, new byte[512], ranges(0, 1)).code()).isEqualTo(0x052304);
        assertThat(information(client, 0, 4).code()).isEqualTo(0x052400);
    }
}
