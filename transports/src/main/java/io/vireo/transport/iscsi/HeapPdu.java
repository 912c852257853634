package io.vireo.transport.iscsi;

import java.nio.ByteBuffer;

/**
 * A PDU on the heap: of logins, discovery, and whatever else is rare.
 *
 * @param header the basic header segment, in network byte order
 * @param data the data segment without padding
 */
record HeapPdu(ByteBuffer header, byte[] data) {
    /** A PDU to be sent: header and flags, all else 0. */
    static HeapPdu of(int opcode, int flags, byte[] data) {
        ByteBuffer header = ByteBuffer.allocate(Pdu.BHS);
        header.put(0, (byte) opcode);
        header.put(Pdu.FLAGS, (byte) flags);
        header.put(Pdu.DATA_LENGTH, (byte) (data.length >>> 16));
        header.putShort(Pdu.DATA_LENGTH + 1, (short) data.length);
        return new HeapPdu(header, data);
    }

    int opcode() {
        return header.get(0) & Pdu.OPCODE_MASK;
    }

    boolean immediate() {
        return (header.get(0) & Pdu.IMMEDIATE) != 0;
    }

    int u8(int offset) {
        return Byte.toUnsignedInt(header.get(offset));
    }

    int u16(int offset) {
        return Short.toUnsignedInt(header.getShort(offset));
    }

    int integer(int offset) {
        return header.getInt(offset);
    }

    HeapPdu put(int offset, int value) {
        header.putInt(offset, value);
        return this;
    }

    HeapPdu put16(int offset, int value) {
        header.putShort(offset, (short) value);
        return this;
    }

    HeapPdu put8(int offset, int value) {
        header.put(offset, (byte) value);
        return this;
    }
}
