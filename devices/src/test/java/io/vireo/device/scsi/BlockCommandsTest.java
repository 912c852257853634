package io.vireo.device.scsi;

import static io.vireo.device.scsi.ScsiBed.BLOCK;
import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.block.BlockOperation;
import io.vireo.block.BlockStatus;
import io.vireo.device.scsi.ScsiClient.Result;
import io.vireo.scsi.ScsiStatus;
import io.vireo.testkit.Eventually;
import io.vireo.testkit.MemoryBlockDevice;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class BlockCommandsTest {
    private static final int BLOCKS = (int) (ScsiBed.CAPACITY / BLOCK);

    private ScsiBed bed = new ScsiBed();

    @AfterEach
    void close() {
        bed.close();
    }

    private static byte[] random(int length) {
        byte[] data = new byte[length];
        new Random(length).nextBytes(data);
        return data;
    }

    @ParameterizedTest
    @CsvSource({
        "0A0000050200, 080000050200",
        "2A000000000500000200, 28000000000500000200",
        "AA0000000005000000020000, A80000000005000000020000",
        "8A00000000000000000500000002 0000, 88000000000000000005000000020000",
        "7F00000000000018000B00000000000000000005000000000000000000000002,"
                + "7F00000000000018000900000000000000000005000000000000000000000002",
    })
    void writesAndReadsByEveryLength(String write, String read) {
        byte[] data = random(2 * BLOCK);
        for (ScsiClient client : new ScsiClient[] {bed.client(1), bed.client(2, bed.other)}) {
            Result written = client.out(0, write, data);
            assertThat(written.status()).isEqualTo(ScsiStatus.GOOD);
            assertThat(written.outWanted()).isEqualTo(2 * BLOCK);
            assertThat(bed.disk.contents(5 * BLOCK, 2 * BLOCK)).isEqualTo(data);
            Result got = client.in(0, read, 2 * BLOCK);
            assertThat(got.data()).isEqualTo(data);
            assertThat(got.inWanted()).isEqualTo(2 * BLOCK);
        }
    }

    @Test
    void aTransferLengthOfZeroIs256BlocksInReadSixAndNoneElsewhere() {
        ScsiClient client = bed.client(1);
        assertThat(client.in(0, "080000000000", 256 * BLOCK).inWanted()).isEqualTo(256 * BLOCK);
        assertThat(client.in(0, "28000000000000000000", BLOCK).inWanted()).isZero();
        assertThat(client.in(0, "28000000000000000000", BLOCK).good()).isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "28000000400000000100",
                "28000000400100000000",
                "2800FFFFFFFF00000100",
                "28000000 3FFF00000200",
                "88008000000000000000000000010000",
                "8800FFFFFFFFFFFFFFFF000000010000",
                "2F000000400000000100",
                "34000000400000000100",
                "35000000400000000100",
                "9E12FFFFFFFFFFFFFFFF000000180000",
            })
    void whatLeavesTheMediumIsRefused(String cdb) {
        assertThat(bed.client(1).in(0, cdb, 4 * BLOCK).code()).isEqualTo(0x052100);
        assertThat(bed.disk.log()).isEmpty();
    }

    @Test
    void theLastBlockAndTheEndAreInside() {
        ScsiClient client = bed.client(1);
        assertThat(BLOCKS).isEqualTo(0x4000);
        assertThat(client.in(0, "280000003FFF00000100", BLOCK).good()).isTrue();
        assertThat(client.in(0, "28000000400000000000", 0).good()).isTrue();
    }

    @Test
    void moreThanTheLimitIsRefusedAndTransfersNothing() {
        ScsiClient client = bed.client(1);
        Result result = client.in(0, "A80000000000000020010000", BLOCK);
        assertThat(result.code()).isEqualTo(0x052400);
        assertThat(result.inWanted()).isZero();
        assertThat(Bytes.u24(result.sense(), 15)).isEqualTo(0xC00006);
        assertThat(client.in(0, "A80000000000000020000000", 4 << 20).good()).isTrue();
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 200, 511, 512, 513, 1023})
    void aReadFillsWhatRoomThereIs(int room) {
        byte[] data = random(2 * BLOCK);
        ScsiClient client = bed.client(1);
        client.out(0, "2A000000000000000200", data);
        Result result = client.in(0, "28000000000000000200", room);
        assertThat(result.status()).isEqualTo(ScsiStatus.GOOD);
        assertThat(result.inWanted()).isEqualTo(2 * BLOCK);
        assertThat(result.data()).isEqualTo(Arrays.copyOf(data, room));
    }

    @Test
    void aReadIntoMoreRoomLeavesTheRest() {
        Result result = bed.client(1).in(0, "28000000000000000100", 10_000);
        assertThat(result.inWanted()).isEqualTo(BLOCK);
        assertThat(result.data()).hasSize(BLOCK);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, BLOCK})
    void aWriteThatIsSentFewerBlocksWritesThose(int sent) {
        byte[] data = random(sent);
        Result result = bed.client(1).out(0, "2A000000000000000200", data);
        assertThat(result.good()).isTrue();
        assertThat(result.outWanted()).isEqualTo(2 * BLOCK);
        assertThat(bed.disk.contents(0, 2 * BLOCK)).isEqualTo(Arrays.copyOf(data, 2 * BLOCK));
    }

    @ParameterizedTest
    @ValueSource(ints = {200, 1023})
    void aWriteThatIsSentAPartOfABlockWritesNothing(int sent) {
        Result result = bed.client(1).out(0, "2A000000000000000200", random(sent));
        assertThat(result.code()).isEqualTo(0x050E03);
        assertThat(result.outWanted()).isEqualTo(2 * BLOCK);
        assertThat(bed.disk.contents(0, 2 * BLOCK)).containsOnly(0);
    }

    @Test
    void aWriteThatIsSentTooMuchWritesWhatTheCdbSays() {
        byte[] data = random(3 * BLOCK);
        Result result = bed.client(1).out(0, "2A000000000000000200", data);
        assertThat(result.good()).isTrue();
        assertThat(result.outWanted()).isEqualTo(2 * BLOCK);
        assertThat(bed.disk.contents(0, 3 * BLOCK))
                .isEqualTo(Arrays.copyOf(Arrays.copyOf(data, 2 * BLOCK), 3 * BLOCK));
    }

    @Test
    void forcedUnitAccessIsDurable() {
        ScsiClient client = bed.client(1);
        client.out(0, "2A080000000000000100", new byte[BLOCK]);
        assertThat(bed.disk.log().getFirst().durable()).isTrue();
        client.out(0, "2A000000000000000100", new byte[BLOCK]);
        assertThat(bed.disk.log().getLast().durable()).isFalse();
        client.in(0, "28080000000000000100", BLOCK);
        assertThat(bed.disk.log().stream().map(MemoryBlockDevice.Entry::operation))
                .containsSequence(BlockOperation.FLUSH, BlockOperation.READ);
        client.run(0, "35000000000000000000");
        assertThat(bed.disk.log().getLast().operation()).isEqualTo(BlockOperation.FLUSH);
    }

    @ParameterizedTest
    @CsvSource({
        "IO_ERROR, 2A000000000000000100, 030C00",
        "NO_SPACE, 2A000000000000000100, 072707",
        "READ_ONLY, 2A000000000000000100, 072700",
        "MEMORY_FAULT, 2A000000000000000100, 0B4B00",
        "IO_ERROR, 28000000000000000100, 031100",
        "IO_ERROR, 35000000000000000000, 030C00",
    })
    void failuresOfTheHostBecomeSense(BlockStatus status, String cdb, String code) {
        ScsiClient client = bed.client(1);
        bed.disk.fate(_ -> new MemoryBlockDevice.Fate.Ends(status));
        Result result = client.run(0, ScsiClient.bytes(cdb), new byte[BLOCK], BLOCK);
        assertThat(result.code()).isEqualTo(Integer.parseInt(code, 16));
        assertThat(result.data()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "28200000000000000100",
                "2AE00000000000000100",
                "28040000000000000100",
                "28000000000000000101",
                "28000000000080000100",
                "2F200000000000000100",
                "9C200000000000000000000000010000",
                "080000000104",
            })
    void reservedBitsAndProtectionAreRefused(String cdb) {
        Result result = bed.client(1).run(0, ScsiClient.bytes(cdb), new byte[BLOCK], BLOCK);
        assertThat(result.code()).isEqualTo(0x052400);
    }

    @Test
    void aCdbThatIsTooShortIsRefused() {
        assertThat(bed.client(1).in(0, "2800000000000000", BLOCK).code()).isEqualTo(0x052400);
    }

    @Test
    void verifyComparesReadsOrBoth() {
        byte[] data = random(4 * BLOCK);
        ScsiClient client = bed.client(1);
        client.out(0, "2A000000000000000400", data);
        assertThat(client.run(0, "2F000000000000000400").good()).isTrue();
        assertThat(client.out(0, "2F020000000000000400", data).good()).isTrue();
        data[1234]++;
        Result miss = client.out(0, "2F020000000000000400", data);
        assertThat(miss.code()).isEqualTo(0x0E1D00);
        assertThat(miss.sense()[0] & 0xFF).isEqualTo(0xF0);
        assertThat(Bytes.u32(miss.sense(), 3)).isEqualTo(1234);
        assertThat(client.out(0, "2F040000000000000400", data).code()).isEqualTo(0x052400);
        assertThat(client.out(0, "2F060000000000000100", Arrays.copyOf(data, BLOCK)).good())
                .isTrue();
        assertThat(client.out(0, "2F060000000000000200", Arrays.copyOf(data, BLOCK)).code())
                .isEqualTo(0x0E1D00);
        assertThat(client.out(0, "2F020000000000000400", new byte[BLOCK]).code())
                .isEqualTo(0x050E03);
    }

    @Test
    void verifyOfALongRangeReadsAllOfIt() {
        assertThat(bed.client(1).run(0, "8F00000000000000000000004000 0000").good()).isTrue();
        assertThat(
                        bed.disk.log().stream()
                                .filter(entry -> !entry.completion())
                                .mapToLong(MemoryBlockDevice.Entry::length)
                                .sum())
                .isEqualTo(ScsiBed.CAPACITY);
    }

    @Test
    void writeAndVerifyReadsBack() {
        byte[] data = random(2 * BLOCK);
        ScsiClient client = bed.client(1);
        assertThat(client.out(0, "2E020000000000000200", data).good()).isTrue();
        assertThat(bed.disk.contents(0, 2 * BLOCK)).isEqualTo(data);
        assertThat(bed.disk.log().stream().map(MemoryBlockDevice.Entry::operation))
                .containsSubsequence(BlockOperation.WRITE, BlockOperation.READ);
    }

    @Test
    void compareAndWriteComparesThenWrites() {
        ScsiClient client = bed.client(1);
        byte[] both = random(2 * BLOCK);
        Arrays.fill(both, 0, BLOCK, (byte) 0);
        String caw = "89000000000000000003000000010000";
        assertThat(client.out(0, caw, both).good()).isTrue();
        assertThat(bed.disk.contents(3 * BLOCK, BLOCK))
                .isEqualTo(Arrays.copyOfRange(both, BLOCK, 2 * BLOCK));
        System.arraycopy(both, BLOCK, both, 0, BLOCK);
        both[377]++;
        Result miss = client.out(0, caw, both);
        assertThat(miss.code()).isEqualTo(0x0E1D00);
        assertThat(Bytes.u32(miss.sense(), 3)).isEqualTo(377);
        assertThat(client.out(0, caw, new byte[BLOCK]).code()).isEqualTo(0x050E03);
        assertThat(client.out(0, caw, new byte[3 * BLOCK]).code()).isEqualTo(0x050E03);
        String none = caw.substring(0, 26) + "000000";
        assertThat(client.out(0, none, new byte[512 * BLOCK]).code()).isEqualTo(0x052400);
        assertThat(client.out(0, none, new byte[0]).good()).isTrue();
        assertThat(client.out(0, "89000000000000000003000000000000", new byte[0]).good()).isTrue();
    }

    /** A crash could leave a part of more than one. */
    @Test
    void compareAndWriteTakesOneBlockAndSaysSo() {
        ScsiClient client = bed.client(1);
        assertThat(client.in(0, "1201B0004000", 64).data()[5]).isEqualTo((byte) 1);
        String two = "89000000000000000003000000020000";
        Result refused = client.out(0, two, new byte[4 * BLOCK]);
        assertThat(refused.code()).isEqualTo(0x052400);
        assertThat(bed.disk.log()).isEmpty();
    }

    @Test
    void orWriteOrs() {
        ScsiClient client = bed.client(1);
        byte[] fives = new byte[BLOCK];
        Arrays.fill(fives, (byte) 0xA5);
        client.out(0, "2A000000000000000100", fives);
        Arrays.fill(fives, (byte) 0x5A);
        assertThat(client.out(0, "8B000000000000000000000000010000", fives).good()).isTrue();
        assertThat(bed.disk.contents(0, BLOCK)).containsOnly(0xFF);
    }

    @Test
    void writeAtomicIsWhatTheDiskKeepsWhole() {
        ScsiClient client = bed.client(1);
        byte[] data = random(8 * BLOCK);
        assertThat(client.out(0, "9C000000000000000008000000080000", data).good()).isTrue();
        assertThat(bed.disk.contents(8 * BLOCK, 8 * BLOCK)).isEqualTo(data);
        byte[] one = random(BLOCK);
        assertThat(client.out(0, "9C000000000000000010000000010000", one).good()).isTrue();
        assertThat(bed.disk.contents(16 * BLOCK, BLOCK)).isEqualTo(one);
        assertThat(client.run(0, "9C000000000000000008000000000000").good()).isTrue();
        // Too long; across two of the disk's blocks; with a boundary.
        assertThat(client.out(0, "9C000000000000000008000000090000", random(9 * BLOCK)).code())
                .isEqualTo(0x052400);
        assertThat(client.out(0, "9C000000000000000009000000080000", data).code())
                .isEqualTo(0x052400);
        assertThat(client.out(0, "9C000000000000000008000100010000", data).code())
                .isEqualTo(0x052400);
    }

    @Test
    void anAtomicWriteReachesTheDiskInOnePiece() {
        var pieces = new AtomicInteger();
        bed.disk.fate(request -> {
            if (request.operation() == BlockOperation.WRITE) {
                pieces.set(request.data().count());
            }
            return MemoryBlockDevice.Fate.DONE;
        });
        byte[] data = random(8 * BLOCK);
        ScsiClient client = bed.client(1);
        assertThat(client.out(0, "9C000000000000000008000000080000", data).good()).isTrue();
        assertThat(pieces.get()).isEqualTo(1);
        assertThat(bed.disk.contents(8 * BLOCK, 8 * BLOCK)).isEqualTo(data);
    }

    @Test
    void whereTheDiskKeepsLessOneSectorIsAtomic() {
        bed.disk.atomicWriteSize(512);
        ScsiClient client = bed.client(1);
        assertThat(client.out(0, "9C000000000000000009000000010000", random(BLOCK)).good())
                .isTrue();
        assertThat(client.out(0, "9C000000000000000008000000020000", random(2 * BLOCK)).code())
                .isEqualTo(0x052400);
    }

    @Test
    void thereIsNoWriteAtomicWhereABlockMayTear() {
        bed.close();
        bed = new ScsiBed(new MemoryBlockDevice(ScsiBed.CAPACITY, 4096));
        ScsiClient client = bed.client(1);
        String write = "9C000000000000000009000000010000";
        String supported = "A30C019C0000000000200000";
        assertThat(client.out(0, write, random(4096)).good()).isTrue();
        assertThat(client.in(0, supported, 32).data()[1] & 7).isEqualTo(3);
        bed.disk.atomicWriteSize(512);
        client.ready(0);
        assertThat(client.out(0, write, random(4096)).code()).isEqualTo(0x052000);
        assertThat(client.in(0, supported, 32).data()[1] & 7).isEqualTo(1);
        assertThat(client.out(0, "2A000000000900000100", random(4096)).good()).isTrue();
    }

    @Test
    void unmapGivesZeroes() {
        ScsiClient client = bed.client(1);
        client.out(0, "2A000000000000000A00", random(10 * BLOCK));
        byte[] list = new byte[8 + 32];
        Bytes.put16(list, 0, 38);
        Bytes.put16(list, 2, 32);
        Bytes.put64(list, 8, 1);
        Bytes.put32(list, 16, 2);
        Bytes.put64(list, 24, 7);
        Bytes.put32(list, 32, 1);
        assertThat(client.out(0, "42000000000000002800", list).good()).isTrue();
        assertThat(bed.disk.contents(BLOCK, 2 * BLOCK)).containsOnly(0);
        assertThat(bed.disk.contents(7 * BLOCK, BLOCK)).containsOnly(0);
        assertThat(bed.disk.contents(3 * BLOCK, 4 * BLOCK))
                .isEqualTo(Arrays.copyOfRange(random(10 * BLOCK), 3 * BLOCK, 7 * BLOCK));
    }

    @Test
    void anUnmapThatLiesIsRefusedWhole() {
        ScsiClient client = bed.client(1);
        byte[] data = random(BLOCK);
        client.out(0, "2A000000000000000100", data);
        byte[] list = new byte[8 + 16];
        Bytes.put16(list, 2, 17);
        assertThat(client.out(0, "42000000000000001800", list).code()).isEqualTo(0x052600);
        Bytes.put16(list, 2, 16);
        Bytes.put32(list, 16, 0x4001);
        assertThat(client.out(0, "42000000000000001800", list).code()).isEqualTo(0x052100);
        assertThat(client.out(0, "42000000000000000700", new byte[7]).code()).isEqualTo(0x051A00);
        assertThat(client.out(0, "42000000000000001800", new byte[8]).code()).isEqualTo(0x051A00);
        assertThat(client.out(0, "42000000000000000000", new byte[0]).good()).isTrue();
        byte[] many = new byte[8 + 16 * 257];
        Bytes.put16(many, 2, 16 * 257);
        assertThat(client.out(0, "42000000000000101800", many).code()).isEqualTo(0x052600);
        assertThat(bed.disk.contents(0, BLOCK)).isEqualTo(data);
    }

    @Test
    void writeSameRepeatsZeroesOrGivesBack() {
        ScsiClient client = bed.client(1);
        byte[] block = random(BLOCK);
        assertThat(client.out(0, "41000000000000100000", block).good()).isTrue();
        assertThat(bed.disk.contents(4095 * BLOCK, BLOCK)).isEqualTo(block);
        assertThat(bed.disk.contents(4096 * BLOCK, BLOCK)).containsOnly(0);
        assertThat(client.out(0, "93080000000000000000000000400000", new byte[BLOCK]).good())
                .isTrue();
        assertThat(bed.disk.log().getLast().operation()).isEqualTo(BlockOperation.WRITE_ZEROES);
        assertThat(bed.disk.log().getLast().unmap()).isTrue();
        assertThat(bed.disk.contents(0, 64 * BLOCK)).containsOnly(0);
        assertThat(client.run(0, "93010000000000000040000000400000").good()).isTrue();
        assertThat(bed.disk.contents(64 * BLOCK, 64 * BLOCK)).containsOnly(0);
        assertThat(client.out(0, "41000000000000000000", block).good()).isTrue();
        assertThat(bed.disk.contents(ScsiBed.CAPACITY - BLOCK, BLOCK)).isEqualTo(block);
        assertThat(client.out(0, "41000000400000000000", block).good()).isTrue();
        assertThat(client.out(0, "41000000400100000000", block).code()).isEqualTo(0x052100);
        assertThat(client.out(0, "93100000000000000000000000010000", block).code())
                .isEqualTo(0x052400);
        assertThat(client.out(0, "41000000000000000100", new byte[BLOCK / 2]).code())
                .isEqualTo(0x050E03);
        assertThat(client.out(0, "41000000000000000100", new byte[BLOCK * 2]).code())
                .isEqualTo(0x050E03);
        assertThat(client.out(0, "93000000000000000000000100010000", block).code())
                .isEqualTo(0x052100);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "41000000400000000000",
                "93000000000000004000000000000000",
                "7F00000000000018000D 0000 0000000000004000 0000000000000000 00000000"
            })
    void writeSameBeyondTheLastBlockIsOfNone(String cdb) {
        ScsiClient client = bed.client(1);
        assertThat(client.out(0, cdb, random(BLOCK)).good()).isTrue();
        assertThat(client.out(0, cdb, new byte[BLOCK]).good()).isTrue();
        assertThat(bed.disk.log()).isEmpty();
    }

    @Test
    void writeSameToTheEndKeepsTheLimit() {
        bed.disk.pretendToGrow(1L << 40);
        ScsiClient client = bed.client(1);
        assertThat(client.out(0, "93000000000000000000000000000000", new byte[BLOCK]).code())
                .isEqualTo(0x052400);
    }

    @Test
    void longCdbsVerifyAndRepeat() {
        ScsiClient client = bed.client(1);
        byte[] block = random(BLOCK);
        String rest = "0000 0000000000000007 0000000000000000 00000003";
        assertThat(client.out(0, "7F00000000000018000D" + rest, block).good()).isTrue();
        byte[] three = bed.disk.contents(7 * BLOCK, 3 * BLOCK);
        assertThat(Arrays.copyOfRange(three, 2 * BLOCK, 3 * BLOCK)).isEqualTo(block);
        String compare = "0200 0000000000000007 0000000000000000 00000003";
        assertThat(client.out(0, "7F00000000000018000A" + compare, three).good()).isTrue();
        three[700] ^= 1;
        assertThat(client.out(0, "7F00000000000018000A" + compare, three).code())
                .isEqualTo(0x0E1D00);
        assertThat(client.out(0, "7F00000000000018000C" + compare, three).good()).isTrue();
        assertThat(bed.disk.contents(7 * BLOCK, 3 * BLOCK)).isEqualTo(three);
        String nothing = "0900 0000000000000007 0000000000000000 00000003";
        assertThat(client.run(0, "7F00000000000018000D" + nothing).good()).isTrue();
        assertThat(bed.disk.contents(7 * BLOCK, 3 * BLOCK)).containsOnly(0);
    }

    @ParameterizedTest
    @CsvSource({
        // RDPROTECT, of protection information that is not there.
        "7F000000000000180009200000000000000000050000000000000000 00000001, C0000A",
        "7F000000000000100009000000000000000000050000000000000000 00000001, C00007",
        "7F000000000000180001000000000000000000050000000000000000 00000001, C00008",
        "7F000000000000180009000000000000000000050000000000000000 00003000, C0001C",
    })
    void longCdbsThatAreWrongAreRefusedWhereTheyAre(String cdb, String field) {
        Result result = bed.client(1).in(0, cdb, BLOCK);
        assertThat(result.code()).isEqualTo(0x052400);
        assertThat(Bytes.u24(result.sense(), 15) & 0xF0FFFF).isEqualTo(Integer.parseInt(field, 16));
        assertThat(bed.client(2).in(0, "7F000000000018000900", BLOCK).code()).isEqualTo(0x052400);
    }

    @Test
    void theStatusOfBlocksIsWhatTheDiskSays() {
        ScsiClient client = bed.client(1);
        client.out(0, "2A000000001000000800", new byte[8 * BLOCK]);
        client.out(0, "2A000000010000000900", new byte[9 * BLOCK]);
        String free = "01000000";
        String mapped = "00000000";
        String runs =
                ("0000000000000000" + "00000010" + free)
                        + ("0000000000000010" + "00000008" + mapped)
                        + ("0000000000000018" + "000000e8" + free)
                        + ("0000000000000100" + "00000010" + mapped)
                        + ("0000000000000110" + "00003ef0" + free);
        assertThat(client.in(0, "9E120000000000000000000001000000", 256).hex())
                .isEqualTo("00000054" + "00000000" + runs);
        assertThat(client.in(0, "9E120000000000000000000000200000", 256).hex())
                .isEqualTo("00000014" + "00000000" + runs.substring(0, 32));
        assertThat(client.in(0, "9E120000000000000104000000180000", 256).hex())
                .isEqualTo("00000014" + "00000000" + "0000000000000104" + "0000000c" + mapped);
        byte[] unmap =
                ScsiClient.bytes("0016001000000000" + "0000000000000010" + "0000000800000000");
        assertThat(client.out(0, "42000000000000001800", unmap).good()).isTrue();
        assertThat(client.in(0, "9E120000000000000000000000180000", 256).hex())
                .endsWith("0000000000000000" + "00000100" + free);
    }

    @Test
    void aBlockThatIsMappedInPartIsMapped() {
        bed.close();
        bed =
                new ScsiBed(
                        new MemoryBlockDevice(
                                ScsiBed.CAPACITY, 4096, 512, EnumSet.allOf(BlockOperation.class)));
        ScsiClient client = bed.client(1);
        // The last sector of block 3, and the first one of block 6.
        bed.disk.pretendMapped(4 * 4096 - 512, 512);
        bed.disk.pretendMapped(6 * 4096, 512);
        assertThat(client.in(0, "9E120000000000000000000000480000", 256).hex())
                .isEqualTo(
                        "00000044"
                                + "00000000"
                                + ("0000000000000000" + "00000003" + "01000000")
                                + ("0000000000000003" + "00000001" + "00000000")
                                + ("0000000000000004" + "00000002" + "01000000")
                                + ("0000000000000006" + "00000001" + "00000000"));
    }

    @Test
    void aDiskThatCannotBeWrittenToSaysSo() {
        bed.close();
        bed =
                new ScsiBed(
                        new MemoryBlockDevice(
                                ScsiBed.CAPACITY, BLOCK, EnumSet.of(BlockOperation.READ)));
        ScsiClient client = bed.client(1);
        assertThat(client.out(0, "2A000000000000000100", new byte[BLOCK]).code())
                .isEqualTo(0x072700);
        assertThat(client.in(0, "1A003F00FF00", 255).data()[2] & 0x80).isEqualTo(0x80);
    }

    @Test
    void sanitizeOverwritesAllAndTellsSoMeanwhile() {
        ScsiClient client = bed.client(1);
        bed.disk.fate(_ -> MemoryBlockDevice.Fate.HELD);
        byte[] list = new byte[4 + BLOCK];
        list[0] = 1;
        Bytes.put16(list, 2, BLOCK);
        Arrays.fill(list, 4, list.length, (byte) 0xAA);
        var ended =
                client.start(
                        0,
                        77,
                        io.vireo.scsi.TaskAttribute.SIMPLE,
                        ScsiClient.bytes("48010000000000020400"),
                        list,
                        0);
        Result busy = client.run(0, "000000000000");
        assertThat(busy.code()).isEqualTo(0x02041B);
        assertThat(client.in(0, "120000002400", 36).good()).isTrue();
        assertThat(client.manage(io.vireo.scsi.TaskManagement.Function.LOGICAL_UNIT_RESET, 0, 0))
                .isEqualTo(io.vireo.scsi.TaskManagement.Response.FUNCTION_COMPLETE);
        assertThat(ended.join().outcome()).isEqualTo(io.vireo.scsi.ScsiTask.Outcome.RESET);
        assertThat(client.run(0, "000000000000").code()).isEqualTo(0x062903);
        assertThat(client.run(0, "000000000000").code()).isEqualTo(0x02041B);
        bed.disk.fate(_ -> MemoryBlockDevice.Fate.DONE);
        bed.disk.release();
        Eventually.until(
                "the unit is ready", () -> client.run(0, "000000000000").code() != 0x02041B);
        assertThat(bed.disk.contents(0, BLOCK)).containsOnly(0xAA);
        assertThat(bed.disk.contents(ScsiBed.CAPACITY - BLOCK, BLOCK)).containsOnly(0xAA);
        assertThat(client.run(0, "48820000000000000000").good()).isTrue();
        Eventually.until(
                "the unit is ready", () -> client.run(0, "000000000000").code() != 0x02041B);
        assertThat(bed.disk.contents(0, BLOCK)).containsOnly(0);
    }
}
