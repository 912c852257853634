package io.vireo.device.scsi;

import static io.vireo.device.scsi.Command.ANY_STATE;
import static io.vireo.device.scsi.Command.IGNORES_ATTENTION;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** Commands that report what there is: units, commands, task management functions, the time. */
final class ReportCommands {
    private static final long REPORT_LUNS_UNIT = 0xC101_0000_0000_0000L;
    private static final int RCTD = 0x80;
    private static final int REPD = 0x80;
    private static final int TIMEOUTS = 12;

    // Support field of SPC-4, 6.35.3.
    private static final int NOT_SUPPORTED = 1;
    private static final int STANDARD = 3;

    /** Abort task, abort and clear task set, unit reset, query task, target reset. */
    private static final int FUNCTIONS = 0x80 | 0x40 | 0x10 | 0x08 | 0x04 | 0x02;

    /** Query asynchronous event, query task set, I_T nexus reset. */
    private static final int MORE_FUNCTIONS = 0x04 | 0x02 | 0x01;

    private ReportCommands() {}

    static List<Command> all() {
        return List.of(
                Command.of(
                        "A0 00 FF 00 00 00 FF FF FF FF 00 00",
                        Access.ALWAYS,
                        IGNORES_ATTENTION | ANY_STATE,
                        ReportCommands::reportLuns),
                Command.withAction(
                        "A3 0C 87 FF FF FF FF FF FF FF 00 00",
                        Access.STATUS,
                        ANY_STATE,
                        ReportCommands::reportOpcodes),
                Command.withAction(
                        "A3 0D 80 00 00 00 FF FF FF FF 00 00",
                        Access.STATUS,
                        ANY_STATE,
                        ReportCommands::reportFunctions),
                Command.withAction(
                        "A3 0F 00 00 00 00 FF FF FF FF 00 00",
                        Access.STATUS,
                        ANY_STATE,
                        ReportCommands::reportTimestamp));
    }

    private static void reportLuns(Slot slot) {
        var reply = new Reply();
        if (!reportLuns(reply, Bytes.u8(slot.cdb(), 2), slot.nexus().nexus.target())) {
            slot.invalidField(2);
            return;
        }
        slot.nexus().attentions.clear(Sense.REPORTED_LUNS_DATA_CHANGED);
        slot.reply(reply, Bytes.u32(slot.cdb(), 6));
    }

    /**
     * The LUN list of a target (SPC-4, 6.33).
     *
     * @return false if there is no such selection
     */
    static boolean reportLuns(Reply reply, int select, UnitTarget target) {
        if (select > 2) {
            return false;
        }
        reply.u32(0).u32(0);
        if (select != 1) {
            // Firmware takes the first disk that it hears of, if nobody tells it another one.
            listLuns(reply, target, true);
            listLuns(reply, target, false);
        }
        if (select != 0) {
            reply.u64(REPORT_LUNS_UNIT);
        }
        reply.patch32(0, reply.length() - 8L);
        return true;
    }

    private static void listLuns(Reply reply, UnitTarget target, boolean boot) {
        target.mappings().values().stream()
                .filter(mapping -> mapping.boot() == boot)
                .forEach(mapping -> reply.u64(Luns.encode(mapping.lun())));
    }

    private static void reportOpcodes(Slot slot) {
        byte[] cdb = slot.cdb();
        boolean timeouts = (cdb[2] & RCTD) != 0;
        int opcode = Bytes.u8(cdb, 3);
        int action = Bytes.u16(cdb, 4);
        CommandTable table = CommandTable.ALL;
        switch (cdb[2] & 7) {
            case 0 -> slot.reply(everything(slot.unit, timeouts), Bytes.u32(cdb, 6));
            case 1 -> {
                if (table.hasActions(opcode)) {
                    slot.invalidField(2);
                } else {
                    one(slot, table.plain(opcode), timeouts);
                }
            }
            case 2 -> {
                if (table.plain(opcode) != null) {
                    slot.invalidField(2);
                } else {
                    one(slot, table.action(opcode, action), timeouts);
                }
            }
            case 3 -> {
                Command plain = action == 0 ? table.plain(opcode) : null;
                one(slot, plain != null ? plain : table.action(opcode, action), timeouts);
            }
            default -> slot.invalidField(2);
        }
    }

    private static Reply everything(LogicalUnit unit, boolean timeouts) {
        var reply = new Reply(2048);
        reply.u32(0);
        for (Command command : CommandTable.ALL.commands()) {
            if (!command.isOf(unit)) {
                continue;
            }
            reply.u8(command.opcode()).u8(0).u16(Math.max(0, command.serviceAction())).u8(0);
            reply.u8((timeouts ? 2 : 0) | (command.hasServiceAction() ? 1 : 0));
            reply.u16(command.length());
            if (timeouts) {
                timeouts(reply);
            }
        }
        reply.patch32(0, reply.length() - 4L);
        return reply;
    }

    /** A command timeouts descriptor that says nothing. */
    private static void timeouts(Reply reply) {
        reply.u16(TIMEOUTS - 2).zeroes(TIMEOUTS - 2);
    }

    private static void one(Slot slot, @Nullable Command command, boolean timeouts) {
        var reply = new Reply();
        if (command == null || !command.isOf(slot.unit)) {
            reply.u8(0).u8(NOT_SUPPORTED).u16(0);
        } else {
            reply.u8(0).u8(STANDARD | (timeouts ? 0x80 : 0)).u16(command.length());
            reply.bytes(command.usage());
            if (timeouts) {
                timeouts(reply);
            }
        }
        slot.reply(reply, Bytes.u32(slot.cdb(), 6));
    }

    private static void reportFunctions(Slot slot) {
        boolean timeouts = (slot.cdb()[2] & REPD) != 0;
        var reply = new Reply(16);
        reply.u8(FUNCTIONS).u8(MORE_FUNCTIONS).u8(0).u8(timeouts ? TIMEOUTS : 0);
        if (timeouts) {
            reply.zeroes(TIMEOUTS);
        }
        slot.reply(reply, Bytes.u32(slot.cdb(), 6));
    }

    private static void reportTimestamp(Slot slot) {
        long now = System.currentTimeMillis();
        var reply = new Reply(12);
        // Origin 010b: set by other means than a command (SPC-4, 5.2).
        reply.u16(10).u8(2).u8(0).u16((int) (now >> 32)).u32(now).u16(0);
        slot.reply(reply, Bytes.u32(slot.cdb(), 6));
    }
}
