package io.vireo.transport.iscsi;

import io.vireo.linux.ForeignMemory;

/** Numbers as they are on the wire, in network byte order, at native addresses. */
final class Wire {
    private Wire() {}

    static int getU8(long address) {
        return Byte.toUnsignedInt(ForeignMemory.getByte(address));
    }

    static int getU16(long address) {
        return Short.toUnsignedInt(Short.reverseBytes(ForeignMemory.getShort(address)));
    }

    static int getU24(long address) {
        return getU8(address) << 16 | getU8(address + 1) << 8 | getU8(address + 2);
    }

    static int getInt(long address) {
        return Integer.reverseBytes(ForeignMemory.getInt(address));
    }

    static long getLong(long address) {
        return Long.reverseBytes(ForeignMemory.getLong(address));
    }

    static void putU8(long address, int value) {
        ForeignMemory.putByte(address, (byte) value);
    }

    static void putU16(long address, int value) {
        ForeignMemory.putShort(address, Short.reverseBytes((short) value));
    }

    static void putU24(long address, int value) {
        putU8(address, value >>> 16);
        putU8(address + 1, value >>> 8);
        putU8(address + 2, value);
    }

    static void putInt(long address, int value) {
        ForeignMemory.putInt(address, Integer.reverseBytes(value));
    }

    static void putLong(long address, long value) {
        ForeignMemory.putLong(address, Long.reverseBytes(value));
    }
}
