package io.vireo.fabric.l2.lldp;

import io.vireo.resource.IpPrefix;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Makes LLDP frames (IEEE 802.1AB-2016, 8.5). What has no room in a small MTU is left out. */
final class LldpduWriter {
    private static final int FRAME_MAX = LldpFrame.HEADER + 1500;

    /** Ethernet header, VLAN tag and frame check sequence. */
    private static final int FRAME_OVERHEAD = 14 + 4 + 4;

    private final ByteBuffer frame;

    private LldpduWriter(LocalSystem local) {
        int room = Math.min(FRAME_MAX, LldpFrame.HEADER + local.mtu());
        frame = ByteBuffer.allocate(Math.max(room, LldpFrame.LENGTH_MIN));
        mac(LldpFrame.DESTINATION);
        mac(local.source().bits());
        frame.putShort((short) LldpFrame.ETHERTYPE);
    }

    /** The frame that tells all, to be believed for {@code seconds}. */
    static byte[] announcement(LocalSystem local, int seconds) {
        var writer = new LldpduWriter(local);
        writer.mandatory(local, seconds);
        writer.text(Tlv.PORT_DESCRIPTION, local.portDescription());
        writer.text(Tlv.SYSTEM_NAME, local.host().name());
        writer.text(Tlv.SYSTEM_DESCRIPTION, local.host().description());
        writer.optional(
                Tlv.SYSTEM_CAPABILITIES,
                ByteBuffer.allocate(Tlv.CAPABILITIES_LENGTH)
                        .putShort((short) Tlv.BRIDGE)
                        .putShort((short) Tlv.BRIDGE));
        local.managementAddress().ifPresent(writer::managementAddress);
        writer.optional(
                Tlv.ORGANIZATION,
                ByteBuffer.allocate(Tlv.ORGANIZATION_SHORT)
                        .putInt(Tlv.MAXIMUM_FRAME_SIZE)
                        .putShort((short) (local.mtu() + FRAME_OVERHEAD)));
        return writer.end();
    }

    /** The frame that takes all back (9.1.2). */
    static byte[] shutdown(LocalSystem local) {
        var writer = new LldpduWriter(local);
        writer.mandatory(local, 0);
        return writer.end();
    }

    private void mandatory(LocalSystem local, int seconds) {
        header(Tlv.CHASSIS_ID, 1 + 6);
        frame.put((byte) Tlv.CHASSIS_MAC);
        mac(local.host().chassis().bits());
        var port = utf8(local.port(), Tlv.ID_MAX - 1);
        header(Tlv.PORT_ID, 1 + port.length);
        frame.put((byte) Tlv.PORT_INTERFACE_NAME).put(port);
        header(Tlv.TIME_TO_LIVE, Short.BYTES);
        frame.putShort((short) seconds);
    }

    private void managementAddress(IpPrefix address) {
        int octets = address.v6() ? 2 * Long.BYTES : Integer.BYTES;
        var value = ByteBuffer.allocate(1 + 1 + octets + 1 + Integer.BYTES + 1);
        value.put((byte) (1 + octets)).put((byte) (address.v6() ? Tlv.IPV6 : Tlv.IPV4));
        if (address.v6()) {
            value.putLong(address.high()).putLong(address.low());
        } else {
            value.putInt((int) address.low());
        }
        value.put((byte) Tlv.NUMBERING_UNKNOWN);
        // Interface number and length of the object identifier: both 0.
        optional(Tlv.MANAGEMENT_ADDRESS, value);
    }

    private void text(int type, String text) {
        optional(type, ByteBuffer.wrap(utf8(text, Tlv.TEXT_MAX)));
    }

    private void optional(int type, ByteBuffer value) {
        // Two for the end.
        if (frame.remaining() >= Tlv.HEADER + value.capacity() + Tlv.HEADER) {
            header(type, value.capacity());
            frame.put(value.array());
        }
    }

    private void header(int type, int length) {
        frame.putShort((short) (type << Tlv.LENGTH_BITS | length));
    }

    private void mac(long bits) {
        frame.putShort((short) (bits >>> Integer.SIZE)).putInt((int) bits);
    }

    private byte[] end() {
        header(Tlv.END, 0);
        return Arrays.copyOf(frame.array(), Math.max(frame.position(), LldpFrame.LENGTH_MIN));
    }

    /** At most so many bytes, and no part of a character. */
    private static byte[] utf8(String text, int most) {
        var bytes = text.getBytes(StandardCharsets.UTF_8);
        int length = Math.min(bytes.length, most);
        while (length < bytes.length && length > 0 && (bytes[length] & 0xC0) == 0x80) {
            length--;
        }
        return Arrays.copyOf(bytes, length);
    }
}
