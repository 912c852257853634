package io.vireo.memory;

import io.vireo.linux.ForeignMemory;

/**
 * Get, put and copy by native address, for devices and the fabric, which know nothing else of the
 * operating system. Numbers are little-endian and need no alignment. The rules of {@link
 * ForeignMemory} hold: the memory may be a guest's, any access may throw {@link InternalError},
 * also later.
 */
public final class NativeMemory {
    private NativeMemory() {}

    public static byte getByte(long address) {
        return ForeignMemory.getByte(address);
    }

    public static short getShort(long address) {
        return ForeignMemory.getShort(address);
    }

    public static int getInt(long address) {
        return ForeignMemory.getInt(address);
    }

    public static long getLong(long address) {
        return ForeignMemory.getLong(address);
    }

    public static void putByte(long address, byte value) {
        ForeignMemory.putByte(address, value);
    }

    public static void putShort(long address, short value) {
        ForeignMemory.putShort(address, value);
    }

    public static void putInt(long address, int value) {
        ForeignMemory.putInt(address, value);
    }

    public static void putLong(long address, long value) {
        ForeignMemory.putLong(address, value);
    }

    /** Copies {@code length} bytes. */
    public static void copy(long source, long destination, long length) {
        ForeignMemory.copy(source, destination, length);
    }

    /** Copies {@code length} bytes to an array. */
    public static void copyToArray(long source, byte[] destination, int offset, int length) {
        ForeignMemory.copyToArray(source, destination, offset, length);
    }

    /** Copies {@code length} bytes from an array. */
    public static void copyFromArray(byte[] source, int offset, long destination, int length) {
        ForeignMemory.copyFromArray(source, offset, destination, length);
    }

    /** Sets {@code length} bytes. */
    public static void fill(long address, long length, byte value) {
        ForeignMemory.fill(address, length, value);
    }

    /** Copies 64 bytes, without a call, all of them read before any is written. */
    public static void copy64(long source, long destination) {
        ForeignMemory.copy64(source, destination);
    }

    /** Orders all accesses before it against all after it, stores against loads included. */
    public static void fullFence() {
        ForeignMemory.fullFence();
    }

    /**
     * Has the error of an access before it thrown here, and not after it; see {@link
     * ForeignMemory#settle}.
     */
    public static void settle() {
        ForeignMemory.settle();
    }
}
