package io.vireo.device.scsi;

import java.util.HexFormat;

/** Parameter lists of EXTENDED COPY, and what they consist of (SPC-4, 6.4). */
final class CopyLists {
    private CopyLists() {}

    static String cscd(LogicalUnit unit) {
        String naa = HexFormat.of().toHexDigits(unit.identity().naa());
        return "e4000000" + "01030008" + naa + "00".repeat(12) + "00000200";
    }

    static String segment(int from, int to, int blocks, long lba, long target) {
        HexFormat hex = HexFormat.of();
        return "02000018"
                + (hex.toHexDigits((short) from) + hex.toHexDigits((short) to))
                + ("0000" + hex.toHexDigits((short) blocks))
                + (hex.toHexDigits(lba) + hex.toHexDigits(target));
    }

    /** A parameter list of one-byte list identifiers. */
    static byte[] list(int id, String cscds, String segments) {
        HexFormat hex = HexFormat.of();
        return ScsiClient.bytes(
                hex.toHexDigits((byte) id)
                        + ("00" + hex.toHexDigits((short) (cscds.length() / 2)) + "00000000")
                        + (hex.toHexDigits(segments.length() / 2) + "00000000")
                        + cscds
                        + segments);
    }

    static byte[] longList(int id, boolean immediate, String cscds, String segments) {
        HexFormat hex = HexFormat.of();
        return ScsiClient.bytes(
                "01000020"
                        + ("00".repeat(11) + (immediate ? "01" : "00"))
                        + ("ff000000" + hex.toHexDigits(id) + "00".repeat(18))
                        + hex.toHexDigits((short) (cscds.length() / 2))
                        + (hex.toHexDigits((short) (segments.length() / 2)) + "0000")
                        + cscds
                        + segments);
    }

    static String cdb(int action, int length) {
        HexFormat hex = HexFormat.of();
        return "83"
                + hex.toHexDigits((byte) action)
                + "00".repeat(8)
                + hex.toHexDigits(length)
                + "0000";
    }

    static String hex(int value) {
        return HexFormat.of().toHexDigits(value);
    }

    static String ranges(int... lbasAndBlocks) {
        var text =
                new StringBuilder(HexFormat.of().toHexDigits((short) (lbasAndBlocks.length * 8)));
        for (int i = 0; i < lbasAndBlocks.length; i += 2) {
            text.append(HexFormat.of().toHexDigits((long) lbasAndBlocks[i]));
            text.append(hex(lbasAndBlocks[i + 1])).append("00000000");
        }
        return text.toString();
    }
}
