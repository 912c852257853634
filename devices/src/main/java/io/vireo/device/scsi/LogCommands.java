package io.vireo.device.scsi;

import io.vireo.block.BlockCounters;
import java.util.List;

/** LOG SENSE (SPC-4, 6.8 and 7.3). */
final class LogCommands {
    private static final int SUPPORTED = 0x00;
    private static final int STATISTICS = 0x19;
    private static final int ALL_SUBPAGES = 0xFF;
    private static final int SUBPAGE_FORMAT = 0x40;
    private static final int STATISTICS_LENGTH = 64;

    private LogCommands() {}

    static List<Command> all() {
        return List.of(
                Command.of("4D 00 FF FF 00 FF FF FF FF 00", Access.ALWAYS, 0, LogCommands::sense));
    }

    private static void sense(Slot slot) {
        byte[] cdb = slot.cdb();
        int page = cdb[2] & 0x3F;
        int subpage = Bytes.u8(cdb, 3);
        var reply = new Reply();
        if (page == SUPPORTED && subpage == 0) {
            reply.u8(SUPPORTED).u8(0).u16(0).u8(SUPPORTED).u8(STATISTICS);
        } else if (page == SUPPORTED && subpage == ALL_SUBPAGES) {
            reply.u8(SUBPAGE_FORMAT).u8(ALL_SUBPAGES).u16(0);
            reply.u8(SUPPORTED).u8(0).u8(SUPPORTED).u8(ALL_SUBPAGES).u8(STATISTICS).u8(0);
        } else if (page == STATISTICS && subpage == 0) {
            statistics(reply, slot.unit, Bytes.u16(cdb, 5));
        } else {
            slot.invalidField(page == SUPPORTED || page == STATISTICS ? 3 : 2);
            return;
        }
        reply.patch16(2, reply.length() - 4);
        slot.reply(reply, Bytes.u16(cdb, 7));
    }

    /**
     * General statistics and performance (SPC-4, 7.3.9): parameter 1, if it is not before first.
     */
    private static void statistics(Reply reply, LogicalUnit unit, int first) {
        reply.u8(STATISTICS).u8(0).u16(0);
        if (first > 1) {
            return;
        }
        BlockCounters counters = unit.block().counters();
        int block = unit.blockSize();
        int at = reply.length();
        reply.u16(1).u8(0x03).u8(STATISTICS_LENGTH);
        reply.u64(counters.reads()).u64(counters.writes());
        reply.u64(counters.writtenBytes() / block).u64(counters.readBytes() / block);
        reply.zeroes(STATISTICS_LENGTH + 4 - (reply.length() - at));
    }
}
