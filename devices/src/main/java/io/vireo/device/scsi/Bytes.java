package io.vireo.device.scsi;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/** Big-endian numbers in arrays, as all SCSI structures have them. */
final class Bytes {
    private static final VarHandle SHORT =
            MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.BIG_ENDIAN);
    private static final VarHandle INT =
            MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.BIG_ENDIAN);
    private static final VarHandle LONG =
            MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);

    private Bytes() {}

    static int u8(byte[] bytes, int offset) {
        return bytes[offset] & 0xFF;
    }

    static int u16(byte[] bytes, int offset) {
        return (short) SHORT.get(bytes, offset) & 0xFFFF;
    }

    static int u24(byte[] bytes, int offset) {
        return u8(bytes, offset) << 16 | u16(bytes, offset + 1);
    }

    static long u32(byte[] bytes, int offset) {
        return (int) INT.get(bytes, offset) & 0xFFFF_FFFFL;
    }

    /** All 64 bits; negative where the highest is set. */
    static long u64(byte[] bytes, int offset) {
        return (long) LONG.get(bytes, offset);
    }

    static void put16(byte[] bytes, int offset, int value) {
        SHORT.set(bytes, offset, (short) value);
    }

    static void put24(byte[] bytes, int offset, int value) {
        bytes[offset] = (byte) (value >> 16);
        put16(bytes, offset + 1, value);
    }

    static void put32(byte[] bytes, int offset, long value) {
        INT.set(bytes, offset, (int) value);
    }

    static void put64(byte[] bytes, int offset, long value) {
        LONG.set(bytes, offset, value);
    }
}
