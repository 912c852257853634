package io.vireo.testkit.iscsi;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/** A PDU, field by field: nothing is checked, so that every rule can be broken. */
public final class IscsiPdu {
    /** Bytes of a basic header segment. */
    public static final int BHS = 48;

    /** What is no tag. */
    public static final int NO_TAG = 0xFFFFFFFF;

    private final ByteBuffer header = ByteBuffer.allocate(BHS);
    private byte[] additional = {};
    private byte[] data = {};
    private int announced = -1;

    /** A PDU of an opcode, the I bit included, and a second byte. */
    public IscsiPdu(int opcode, int flags) {
        header.put(0, (byte) opcode).put(1, (byte) flags);
    }

    /** A PDU that was received. */
    IscsiPdu(byte[] header, byte[] data) {
        this.header.put(0, header);
        this.data = data;
    }

    /** Sets a byte. */
    public IscsiPdu u8(int offset, int value) {
        header.put(offset, (byte) value);
        return this;
    }

    /** Sets two bytes. */
    public IscsiPdu u16(int offset, int value) {
        header.putShort(offset, (short) value);
        return this;
    }

    /** Sets four bytes. */
    public IscsiPdu u32(int offset, int value) {
        header.putInt(offset, value);
        return this;
    }

    /** Sets eight bytes. */
    public IscsiPdu u64(int offset, long value) {
        header.putLong(offset, value);
        return this;
    }

    /** Sets bytes. */
    public IscsiPdu bytes(int offset, byte[] bytes) {
        header.put(offset, bytes);
        return this;
    }

    /** Sets the data segment. */
    public IscsiPdu data(byte[] bytes) {
        data = bytes;
        return this;
    }

    /** Sets the data segment to keys and values. */
    public IscsiPdu text(Map<String, String> keys) {
        var text = new StringBuilder();
        keys.forEach((key, value) -> text.append(key).append('=').append(value).append('\0'));
        return data(text.toString().getBytes(StandardCharsets.UTF_8));
    }

    /** Sets the additional header segments. */
    public IscsiPdu additional(byte[] bytes) {
        additional = bytes;
        return this;
    }

    /** Has the header say another length of the data than there are. */
    public IscsiPdu announced(int length) {
        announced = length;
        return this;
    }

    public int opcode() {
        return header.get(0) & 0x3F;
    }

    public int flags() {
        return u8(1);
    }

    public int u8(int offset) {
        return Byte.toUnsignedInt(header.get(offset));
    }

    public int u16(int offset) {
        return Short.toUnsignedInt(header.getShort(offset));
    }

    public int u32(int offset) {
        return header.getInt(offset);
    }

    public long u64(int offset) {
        return header.getLong(offset);
    }

    public byte[] data() {
        return data;
    }

    byte[] additional() {
        return additional;
    }

    /** The keys and values of the data segment. */
    public Map<String, String> text() {
        var keys = new LinkedHashMap<String, String>();
        for (String pair : new String(data, StandardCharsets.UTF_8).split("\0")) {
            int equals = pair.indexOf('=');
            if (equals > 0) {
                keys.merge(
                        pair.substring(0, equals),
                        pair.substring(equals + 1),
                        (a, b) -> a + " " + b);
            }
        }
        return keys;
    }

    /** The header as it is on the wire. */
    byte[] header() {
        int length = announced < 0 ? data.length : announced;
        header.put(4, (byte) ((additional.length + 3) / 4));
        header.put(5, (byte) (length >>> 16)).putShort(6, (short) length);
        return header.array();
    }

    @Override
    public String toString() {
        return String.format(
                "opcode %02x flags %02x itt %08x ttt %08x, %d bytes",
                opcode(), flags(), u32(16), u32(20), data.length);
    }
}
