package io.vireo.device.scsi;

/** The third-party copy VPD page (SPC-4, 7.8.17). */
final class ThirdPartyCopyPage {
    private static final int TOKEN_LIMITS = 0x0000;
    private static final int COMMANDS = 0x0001;
    private static final int PARAMETER_DATA = 0x0004;
    private static final int DESCRIPTORS = 0x0008;
    private static final int CSCD_IDENTIFIERS = 0x000C;
    private static final int TOKEN_FEATURES = 0x0106;
    private static final int TOKEN_TYPES = 0x0108;
    private static final int GENERAL = 0x8001;
    private static final int OUT = 0x83;
    private static final int IN = 0x84;

    private ThirdPartyCopyPage() {}

    /** Appends the descriptors. */
    static void write(Reply page, LogicalUnit unit) {
        int shift = unit.blockShift();
        page.u16(TOKEN_LIMITS).u16(32).zeroes(6).u16(TokenCommands.MAX_RANGES);
        page.u32(TokenCommands.MAX_INACTIVITY).u32(TokenCommands.DEFAULT_INACTIVITY);
        page.u64(TokenCommands.MAX_BYTES >> shift).u64(TokenCommands.OPTIMAL_BYTES >> shift);
        commands(page);
        page.u16(PARAMETER_DATA).u16(28).u32(0).u16(ExtendedCopyCommands.MAX_CSCDS);
        page.u16(ExtendedCopyCommands.MAX_SEGMENTS).u32(ExtendedCopyCommands.MAX_LIST);
        page.u32(0).zeroes(12);
        page.u16(DESCRIPTORS).u16(4).u8(2).u8(ExtendedCopyCommands.BLOCKS_TO_BLOCKS);
        page.u8(ExtendedCopyCommands.IDENTIFICATION).u8(0);
        page.u16(CSCD_IDENTIFIERS).u16(4).u16(2).u16(ExtendedCopyCommands.OWN_UNIT);
        page.u16(TOKEN_FEATURES).u16(44).u8(0).zeroes(11);
        page.u32(TokenCommands.DEFAULT_INACTIVITY).u32(TokenCommands.MAX_INACTIVITY);
        page.u32(TokenCommands.MAX_INACTIVITY).zeroes(18).u16(0);
        page.u16(TOKEN_TYPES).u16(4 + 2 * 64).u16(0).u16(2 * 64);
        // Ours is used where it comes in and given out; that of zeroes is only used.
        page.u32(RodToken.CHANGE_VULNERABLE).u8(0x03).u8(0).u16(1).zeroes(56);
        page.u32(RodToken.ZERO).u8(0x02).u8(0).u16(0).zeroes(56);
        page.u16(GENERAL).u16(32).u32(CopyManager.CONCURRENT).u32(CopyManager.CONCURRENT);
        page.u32(0xFFFFL << shift).u8(shift).u8(0).zeroes(18);
    }

    /** Supported commands: operation codes with their service actions. */
    private static void commands(Reply page) {
        int start = page.length();
        page.u16(COMMANDS).u16(0).u8(0);
        for (int opcode : new int[] {OUT, IN}) {
            int count = page.u8(opcode).u8(0).length() - 1;
            for (Command command : CommandTable.ALL.commands()) {
                if (command.opcode() == opcode) {
                    page.u8(command.serviceAction());
                }
            }
            page.patch8(count, page.length() - count - 1);
        }
        page.patch8(start + 4, page.length() - start - 5);
        page.zeroes(-(page.length() - start) & 3);
        page.patch16(start + 2, page.length() - start - 4);
    }
}
