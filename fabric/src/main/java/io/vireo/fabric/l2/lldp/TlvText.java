package io.vireo.fabric.l2.lldp;

import io.vireo.resource.IpPrefix;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;

/** Parts of an LLDPDU as text that may be shown to people. */
final class TlvText {
    private static final HexFormat OCTETS = HexFormat.ofDelimiter(":");
    private static final int MAC_LENGTH = 6;
    private static final int IPV4_LENGTH = 4;
    private static final int IPV6_LENGTH = 16;

    private TlvText() {}

    /** UTF-8; what no terminal should get is shown as a question mark. */
    static String text(byte[] bytes, int from, int to) {
        int end = to;
        // Some senders end a text as C does.
        while (end > from && bytes[end - 1] == 0) {
            end--;
        }
        var text = new String(bytes, from, end - from, StandardCharsets.UTF_8);
        var shown = new StringBuilder(text.length());
        text.codePoints().forEach(c -> shown.appendCodePoint(isShown(c) ? c : '?'));
        return shown.toString();
    }

    private static boolean isShown(int c) {
        return switch (Character.getType(c)) {
            case Character.CONTROL,
                    Character.FORMAT,
                    Character.SURROGATE,
                    Character.PRIVATE_USE,
                    Character.UNASSIGNED,
                    Character.LINE_SEPARATOR,
                    Character.PARAGRAPH_SEPARATOR ->
                    false;
            default -> true;
        };
    }

    /** As text if it is one of ASCII, else its octets. */
    static String textOrHex(byte[] bytes, int from, int to) {
        for (int i = from; i < to; i++) {
            if (bytes[i] < ' ' || bytes[i] == 0x7F) {
                return OCTETS.formatHex(bytes, from, to);
            }
        }
        return text(bytes, from, to);
    }

    static String mac(byte[] bytes, int from) {
        return OCTETS.formatHex(bytes, from, from + MAC_LENGTH);
    }

    /** An address after its family: as such if it is one of IP, else its octets. */
    static String address(byte[] bytes, int from, int to) {
        int family = Byte.toUnsignedInt(bytes[from]);
        int length = to - from - 1;
        boolean ip =
                (family == Tlv.IPV4 && length == IPV4_LENGTH)
                        || (family == Tlv.IPV6 && length == IPV6_LENGTH);
        if (!ip) {
            return OCTETS.formatHex(bytes, from, to);
        }
        var octets = ByteBuffer.wrap(bytes, from + 1, length);
        return family == Tlv.IPV6
                ? new IpPrefix(true, octets.getLong(), octets.getLong(), 128).toString()
                : new IpPrefix(false, 0, Integer.toUnsignedLong(octets.getInt()), 32).toString();
    }
}
