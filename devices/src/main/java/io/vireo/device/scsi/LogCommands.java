package io.vireo.device.scsi;

import io.vireo.block.BlockCounters;
import java.util.List;

/** LOG SENSE (SPC-4, 6.8 and 7.3, and SBC-3, 6.4). */
final class LogCommands {
    private static final int SUPPORTED = 0x00;
    private static final int PROVISIONING = 0x0C;
    private static final int TEMPERATURE = 0x0D;
    private static final int SOLID_STATE = 0x11;
    private static final int STATISTICS = 0x19;
    private static final int ALL_SUBPAGES = 0xFF;
    private static final int SUBPAGE_FORMAT = 0x40;
    private static final int STATISTICS_LENGTH = 64;

    /** Control byte of a parameter of bytes that nobody sets. */
    private static final int BINARY = 0x03;

    /** A resource that is not dedicated to the unit. */
    private static final int SHARED = 0x02;

    /** Of a temperature that cannot be told. */
    private static final int UNKNOWN = 0xFF;

    private LogCommands() {}

    static List<Command> all() {
        return List.of(
                Command.of(
                        "4D 00 FF FF 00 FF FF FF FF 00",
                        Access.ALWAYS,
                        Command.NEEDS_NO_MEDIUM,
                        LogCommands::sense));
    }

    private static List<Integer> pages(LogicalUnit unit) {
        return unit.room().isLimited()
                ? List.of(SUPPORTED, PROVISIONING, TEMPERATURE, SOLID_STATE, STATISTICS)
                : List.of(SUPPORTED, TEMPERATURE, SOLID_STATE, STATISTICS);
    }

    private static void sense(Slot slot) {
        byte[] cdb = slot.cdb();
        int page = cdb[2] & 0x3F;
        int subpage = Bytes.u8(cdb, 3);
        var reply = new Reply();
        List<Integer> pages = pages(slot.unit);
        if (!pages.contains(page)) {
            slot.invalidField(2);
            return;
        }
        if (subpage != 0 && !(page == SUPPORTED && subpage == ALL_SUBPAGES)) {
            slot.invalidField(3);
            return;
        }
        reply.u8(subpage == 0 ? page : SUBPAGE_FORMAT).u8(subpage).u16(0);
        int first = Bytes.u16(cdb, 5);
        switch (page) {
            case SUPPORTED -> supported(reply, pages, subpage != 0);
            case PROVISIONING -> provisioning(reply, slot.unit.room(), first);
            case TEMPERATURE -> temperature(reply, first);
            case SOLID_STATE -> solidState(reply, first);
            default -> statistics(reply, slot.unit, first);
        }
        reply.patch16(2, reply.length() - 4);
        slot.reply(reply, Bytes.u16(cdb, 7));
    }

    private static void supported(Reply reply, List<Integer> pages, boolean subpages) {
        for (int page : pages) {
            reply.u8(page);
            if (subpages) {
                reply.u8(0);
                if (page == SUPPORTED) {
                    reply.u8(SUPPORTED).u8(ALL_SUBPAGES);
                }
            }
        }
    }

    /** Logical block provisioning (SBC-3, 6.4.5), in threshold sets. */
    private static void provisioning(Reply reply, SharedRoom room, int first) {
        if (first <= 1) {
            reply.u16(1).u8(BINARY).u8(8).u32(room.available()).u8(SHARED).u24(0);
        }
        if (first <= 2) {
            reply.u16(2).u8(BINARY).u8(8).u32(room.used()).u8(SHARED).u24(0);
        }
    }

    /** Temperature (SPC-4, 7.3.20): nothing here has one. */
    private static void temperature(Reply reply, int first) {
        for (int parameter = first; parameter <= 1; parameter++) {
            reply.u16(parameter).u8(BINARY).u8(2).u8(0).u8(UNKNOWN);
        }
    }

    /** Solid state media (SBC-3, 6.4.9): a virtual disk does not wear out. */
    private static void solidState(Reply reply, int first) {
        if (first <= 1) {
            reply.u16(1).u8(BINARY).u8(4).u24(0).u8(0);
        }
    }

    /**
     * General statistics and performance (SPC-4, 7.3.9): parameter 1, if it is not before first.
     */
    private static void statistics(Reply reply, LogicalUnit unit, int first) {
        if (first > 1) {
            return;
        }
        BlockCounters counters = unit.block().counters();
        int block = unit.blockSize();
        int at = reply.length();
        reply.u16(1).u8(BINARY).u8(STATISTICS_LENGTH);
        reply.u64(counters.reads()).u64(counters.writes());
        reply.u64(counters.writtenBytes() / block).u64(counters.readBytes() / block);
        reply.zeroes(STATISTICS_LENGTH + 4 - (reply.length() - at));
    }
}
