package io.vireo.device.scsi;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.block.BlockOperation;
import io.vireo.device.scsi.ScsiClient.Result;
import io.vireo.testkit.MemoryBlockDevice;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What REPORT SUPPORTED OPERATION CODES says, beside what comes of all CDBs that there are. */
class CommandMatrixTest {
    private static final int INVALID_OPERATION_CODE = 0x052000;
    private static final int INVALID_FIELD_IN_CDB = 0x052400;

    /** Operation codes, and their service actions if they have any, that initiators rely on. */
    private static final String RELIED_ON =
            """
            00 03 12 15 55 1A 5A 4D A0 25 9E/10 9E/12 1B 1E
            08 28 A8 88 7F/09 0A 2A AA 8A 7F/0B 2E AE 8E 7F/0C 2F AF 8F 7F/0A
            34 90 35 91 04 48/01 48/02 48/1F 41 93 7F/0D 42 89 8B 9C
            3B 3C 1C 1D A3/0C A3/0D A3/0F A3/0A A4/0A
            16 17 56 57 5E/00 5E/01 5E/02 5E/03
            5F/00 5F/01 5F/02 5F/03 5F/04 5F/05 5F/06 5F/07
            83/00 83/01 83/1C 84/00 84/01 84/03 84/04 84/05 84/06
            83/10 83/11 84/07
            """;

    private ScsiBed bed = new ScsiBed();

    @AfterEach
    void close() {
        bed.close();
    }

    /** An operation code, and a service action or -1. */
    private record Code(int opcode, int action) {
        static Code of(String text) {
            String[] parts = text.split("/");
            int action = parts.length == 1 ? -1 : Integer.parseInt(parts[1], 16);
            return new Code(Integer.parseInt(parts[0], 16), action);
        }

        long sortable() {
            return opcode << 16 | action + 1;
        }

        @Override
        public String toString() {
            return action < 0 ? "%02X".formatted(opcode) : "%02X/%02X".formatted(opcode, action);
        }
    }

    private static byte[] cdb(Code code) {
        int[] lengths = {6, 10, 10, 16, 16, 12, 16, 16};
        boolean variable = code.opcode == Command.VARIABLE_LENGTH;
        byte[] cdb = new byte[variable ? 32 : lengths[code.opcode >> 5]];
        cdb[0] = (byte) code.opcode;
        if (variable) {
            cdb[7] = 24;
            cdb[9] = (byte) code.action;
        } else if (code.action >= 0) {
            cdb[1] = (byte) code.action;
        }
        return cdb;
    }

    /** What REPORT SUPPORTED OPERATION CODES lists, with the lengths of CDBs. */
    private static TreeMap<Long, Code> listed(ScsiClient client) {
        byte[] all = client.in(0, "A30C00000000000FFFFF0000", 1 << 20).data();
        var listed = new TreeMap<Long, Code>();
        for (int at = 4; at < all.length; at += 8) {
            boolean hasAction = (all[at + 5] & 1) != 0;
            var code = new Code(Bytes.u8(all, at), hasAction ? Bytes.u16(all, at + 2) : -1);
            listed.put(code.sortable(), code);
        }
        return listed;
    }

    /** Usage data of one command, empty if it is said not to be supported. */
    private static byte[] usage(ScsiClient client, Code code) {
        byte[] ask = ScsiClient.bytes("A30C03000000000001000000");
        ask[3] = (byte) code.opcode;
        ask[5] = (byte) Math.max(0, code.action);
        byte[] one = client.run(0, ask, new byte[0], 256).data();
        return (one[1] & 7) == 3 ? Arrays.copyOfRange(one, 4, one.length) : new byte[0];
    }

    @Test
    void whatInitiatorsRelyOnIsListed() {
        List<Code> listed = new ArrayList<>(listed(bed.client(1)).values());
        List<Code> missing =
                RELIED_ON
                        .lines()
                        .flatMap(line -> List.of(line.split(" ")).stream())
                        .map(Code::of)
                        .filter(code -> !listed.contains(code))
                        .toList();
        assertThat(missing).isEmpty();
    }

    @Test
    void whatIsNotListedIsRefusedAndWhatIsListedIsNot() {
        compare();
    }

    @Test
    void aDiskThatCannotGiveBlocksBackListsNoCommandForIt() {
        bed.close();
        var plain = EnumSet.of(BlockOperation.READ, BlockOperation.WRITE, BlockOperation.FLUSH);
        bed = new ScsiBed(new MemoryBlockDevice(ScsiBed.CAPACITY, ScsiBed.BLOCK, plain));
        ScsiClient client = bed.client(1);
        Set<String> gone = new TreeSet<>();
        for (Command command : CommandTable.ALL.commands()) {
            gone.add(new Code(command.opcode(), command.serviceAction()).toString());
        }
        listed(client).values().forEach(code -> gone.remove(code.toString()));
        assertThat(gone).containsExactly("42", "48/02");
        assertThat(client.out(0, "42000000000000000000", new byte[0]).code())
                .isEqualTo(INVALID_OPERATION_CODE);
        assertThat(client.run(0, "48020000000000000000").code()).isEqualTo(INVALID_FIELD_IN_CDB);
        assertThat(client.in(0, "9E100000000000000000000000200000", 32).data()[14]).isZero();
        assertThat(client.in(0, "1201B2FFFF00", 255).hex()).isEqualTo("00b2000400000000");
        compare();
    }

    /**
     * All operation codes with all their service actions, none of which wipes the disk by itself.
     */
    private void compare() {
        ScsiClient client = bed.client(1);
        TreeMap<Long, Code> listed = listed(client);
        List<String> wrong = new ArrayList<>();
        for (int opcode = 0; opcode < 256; opcode++) {
            for (int action = -1; action < 32; action++) {
                var code = new Code(opcode, action);
                boolean plain = listed.containsKey(new Code(opcode, -1).sortable());
                if (action >= 0 && plain) {
                    continue;
                }
                boolean is = listed.containsKey(code.sortable());
                if (usage(client, code).length > 0 != is && action != -1) {
                    wrong.add(code + " is listed: " + is);
                }
                int came = client.run(0, cdb(code), new byte[0], 0).code();
                boolean refused = came == INVALID_OPERATION_CODE;
                boolean others =
                        listed.values().stream().anyMatch(other -> other.opcode == code.opcode);
                // A service action that is not there is a wrong field of a command that is.
                boolean unknown = refused || (others && came == INVALID_FIELD_IN_CDB);
                if (is ? refused : action >= 0 && !unknown) {
                    wrong.add(code + " is listed: " + is + ", ends with " + came);
                }
            }
        }
        assertThat(wrong).isEmpty();
    }

    @Test
    void everyBitThatIsSaidNotToBeLookedAtIsRefused() {
        ScsiClient client = bed.client(1);
        List<String> wrong = new ArrayList<>();
        for (Code code : listed(client).values()) {
            byte[] usage = usage(client, code);
            byte[] plain = cdb(code);
            assertThat(usage).as(code.toString()).hasSameSizeAs(plain);
            for (int bit = 8; bit < 8 * usage.length; bit++) {
                int at = bit / 8;
                int mask = 1 << bit % 8;
                boolean variable = code.opcode == Command.VARIABLE_LENGTH;
                boolean action =
                        variable ? at == 8 || at == 9 : at == 1 && code.action >= 0 && mask < 0x20;
                if ((usage[at] & mask) == 0 && !action) {
                    byte[] cdb = plain.clone();
                    cdb[at] ^= (byte) mask;
                    Result result = client.run(0, cdb, new byte[0], 0);
                    if (result.code() != INVALID_FIELD_IN_CDB) {
                        wrong.add(code + ", byte " + at + ", bits " + mask);
                    }
                }
            }
        }
        assertThat(wrong).isEmpty();
        assertThat(bed.disk.log()).isEmpty();
    }

    @Test
    void nothingIsAnchored() {
        ScsiClient client = bed.client(1);
        byte[] block = new byte[ScsiBed.BLOCK];
        // Provisioning page: UNMAP and both WRITE SAMEs unmap, ANC_SUP is 0.
        assertThat(client.in(0, "1201B2FFFF00", 255).data()[5] & 0x02).isZero();
        for (String anchored :
                List.of(
                        "42010000000000001800",
                        "41180000000000000100",
                        "93180000000000000000000000010000",
                        "93100000000000000000000000010000",
                        "7F00000000000018000D180000000000000000000000000000000000 00000001")) {
            Result result = client.out(0, anchored, block);
            assertThat(result.code()).as(anchored).isEqualTo(INVALID_FIELD_IN_CDB);
        }
        assertThat(bed.disk.log()).isEmpty();
    }
}
