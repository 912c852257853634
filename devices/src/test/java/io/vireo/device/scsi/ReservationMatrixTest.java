package io.vireo.device.scsi;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.scsi.ScsiStatus;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Which commands a reservation keeps out: every command that there is, by SPC-4, table 66, and
 * SBC-3, table 13. The holder comes by Fibre Channel, as a guest does by virtio; the others by
 * iSCSI.
 */
class ReservationMatrixTest {
    /** What is allowed to whom a reservation does not let in. */
    private enum Allowed {
        ALWAYS,
        /** Where readers are let in. */
        READING,
        NEVER
    }

    /** By operation code, or operation code and service action. */
    private static final Map<String, Allowed> TABLE = new HashMap<>();

    static {
        // INQUIRY, LOG SENSE, REPORT LUNS and the like, REQUEST SENSE, TEST UNIT READY, READ
        // CAPACITY, PERSISTENT RESERVE IN.
        put(Allowed.ALWAYS, "12", "4D", "A0", "A30A", "A30C", "A30D", "A30F", "03", "00", "25");
        put(Allowed.ALWAYS, "9E10", "5E00", "5E01", "5E02", "5E03", "1B/01", "1E/00");
        // REGISTER, and REGISTER AND IGNORE EXISTING KEY.
        put(Allowed.ALWAYS, "5F00", "5F06");
        // READ, VERIFY, PRE-FETCH, GET LBA STATUS, READ DEFECT DATA, POPULATE TOKEN.
        put(Allowed.READING, "08", "28", "A8", "88", "7F0009", "2F", "AF", "8F", "7F000A");
        put(Allowed.READING, "34", "90", "9E12", "37", "B7", "8310");
        put(Allowed.NEVER, "0A", "2A", "AA", "8A", "7F000B", "2E", "AE", "8E", "7F000C");
        put(Allowed.NEVER, "41", "93", "7F000D", "42", "89", "8B", "9C", "35", "91", "04");
        put(Allowed.NEVER, "4801", "4802", "481F", "1A", "5A", "15", "55", "3C", "3B", "1C", "1D");
        put(Allowed.NEVER, "A40A", "1B/00", "1E/01", "8300", "8301", "8311", "831C");
        put(Allowed.NEVER, "8400", "8401", "8403", "8404", "8405", "8406", "8407");
        // RESERVE and RELEASE with registrations about.
        put(Allowed.NEVER, "16", "17", "56", "57");
    }

    private final ScsiBed bed = new ScsiBed();
    private final ScsiClient holder = bed.client(1);
    private final ScsiClient stranger = bed.iscsi("iqn.2026-11.test:stranger", 1, 1);
    private final ScsiClient registrant = bed.iscsi("iqn.2026-11.test:registrant", 2, 2);

    private static void put(Allowed allowed, String... commands) {
        for (String command : commands) {
            TABLE.put(command, allowed);
        }
    }

    @AfterEach
    void close() {
        bed.close();
    }

    private static void register(ScsiClient client, long key) {
        byte[] list = new byte[24];
        Bytes.put64(list, 8, key);
        assertThat(client.out(0, "5F060000000000001800", list).good()).isTrue();
    }

    private void reserve(PrType type) {
        register(holder, 1);
        register(registrant, 2);
        byte[] list = new byte[24];
        Bytes.put64(list, 0, 1);
        String code = HexFormat.of().toHexDigits((byte) type.code());
        assertThat(holder.out(0, "5F01" + code + "00000000001800", list).good()).isTrue();
    }

    private static String name(Command command) {
        HexFormat hex = HexFormat.of().withUpperCase();
        String opcode = hex.toHexDigits((byte) command.opcode());
        if (!command.hasServiceAction()) {
            return opcode;
        }
        return command.opcode() == Command.VARIABLE_LENGTH
                ? opcode + hex.toHexDigits((short) command.serviceAction())
                : opcode + hex.toHexDigits((byte) command.serviceAction());
    }

    private static byte[] cdb(Command command) {
        byte[] cdb = new byte[command.length()];
        cdb[0] = (byte) command.opcode();
        if (command.opcode() == Command.VARIABLE_LENGTH) {
            cdb[7] = 0x18;
            cdb[9] = (byte) command.serviceAction();
        } else if (command.hasServiceAction()) {
            cdb[1] = (byte) command.serviceAction();
        }
        return cdb;
    }

    /** Whether each command in each form meets a conflict, for a client that is not let in. */
    private Map<String, Boolean> conflicts(ScsiClient client) {
        var conflicts = new TreeMap<String, Boolean>();
        for (Command command : CommandTable.ALL.commands()) {
            byte[] cdb = cdb(command);
            boolean forms = command.opcode() == 0x1B || command.opcode() == 0x1E;
            for (int form = 0; form < (forms ? 2 : 1); form++) {
                cdb[4] |= (byte) form;
                String name = name(command) + (forms ? "/0" + form : "");
                ScsiStatus status = client.run(0, cdb, new byte[0], 0).status();
                conflicts.put(name, status == ScsiStatus.RESERVATION_CONFLICT);
            }
        }
        return conflicts;
    }

    private static Map<String, Boolean> expected(PrType type) {
        var expected = new TreeMap<String, Boolean>();
        TABLE.forEach((command, allowed) ->
                expected.put(
                        command,
                        switch (allowed) {
                            case ALWAYS -> false;
                            case READING -> type.keepsReadersOut();
                            case NEVER -> true;
                        }));
        // Without a parameter list, which is what is looked at first, they get no further.
        for (String action : new String[] {"01", "02", "03", "04", "05", "07"}) {
            expected.put("5F" + action, false);
        }
        return expected;
    }

    @ParameterizedTest
    @EnumSource(PrType.class)
    void strangersAreKeptOut(PrType type) {
        reserve(type);
        assertThat(conflicts(stranger)).isEqualTo(expected(type));
    }

    @ParameterizedTest
    @EnumSource(PrType.class)
    void registrantsAreKeptOutOfWhatIsNotTheirs(PrType type) {
        reserve(type);
        Map<String, Boolean> conflicts = conflicts(registrant);
        if (type.letsRegistrantsIn()) {
            assertThat(conflicts).doesNotContainValue(true);
        } else {
            assertThat(conflicts).isEqualTo(expected(type));
        }
    }

    @Test
    void theHolderMayDoEverything() {
        reserve(PrType.EXCLUSIVE_ACCESS);
        assertThat(conflicts(holder)).doesNotContainValue(true);
    }

    /** Each service action of PERSISTENT RESERVE OUT but registering is for registrants. */
    @ParameterizedTest
    @EnumSource(
            value = PersistentReserveOut.Action.class,
            names = {"REGISTER", "REGISTER_AND_IGNORE"},
            mode = EnumSource.Mode.EXCLUDE)
    void reserveOutIsForRegistrants(PersistentReserveOut.Action action) {
        reserve(PrType.WRITE_EXCLUSIVE);
        String code = HexFormat.of().toHexDigits((byte) action.ordinal());
        byte[] list = new byte[24];
        Bytes.put64(list, 8, 2);
        assertThat(stranger.out(0, "5F" + code + "0100000000001800", list).status())
                .isEqualTo(ScsiStatus.RESERVATION_CONFLICT);
    }

    /** One state, whichever way a nexus comes. */
    @Test
    void whatOneWayReservesTheOtherSees() {
        reserve(PrType.EXCLUSIVE_ACCESS_REGISTRANTS_ONLY);
        String keys = "5E000000000000FFFF00";
        assertThat(stranger.in(0, keys, 255).hex()).isEqualTo(holder.in(0, keys, 255).hex());
        String reservation = "5E010000000000FFFF00";
        assertThat(stranger.in(0, reservation, 255).hex())
                .isEqualTo(holder.in(0, reservation, 255).hex())
                .endsWith("0000000000000001" + "00000000" + "00060000");
        byte[] preempt = new byte[24];
        Bytes.put64(preempt, 0, 2);
        Bytes.put64(preempt, 8, 1);
        assertThat(registrant.out(0, "5F050600000000001800", preempt).good()).isTrue();
        assertThat(holder.run(0, "000000000000").code()).isEqualTo(0x062A05);
        assertThat(holder.in(0, "28000000000000000100", 512).code()).isEqualTo(0x062F00);
        assertThat(holder.in(0, "28000000000000000100", 512).status())
                .isEqualTo(ScsiStatus.RESERVATION_CONFLICT);
        assertThat(registrant.in(0, "28000000000000000100", 512).good()).isTrue();
    }
}
