package io.vireo.fabric.storage.crypto;

import io.vireo.memory.NativeMemory;
import java.util.Arrays;

/**
 * A volume's data key as it is on disk: wrapped by a master key (RFC 3394). Of no use without that.
 */
public final class WrappedKey {
    /** Bytes of a wrapped key of 256 bits. */
    public static final int WRAPPED_BYTES = MasterKey.KEY_BYTES + 8;

    /** Bytes on disk: u32 what the key is for, 4 bytes of zeroes, the wrapped key. */
    public static final int BYTES = 8 + WRAPPED_BYTES;

    /** The key is for AES-256-XTS with the volume's logical blocks as data units. */
    private static final int AES_256_XTS = 1;

    private final byte[] bytes;

    WrappedKey(byte[] bytes) {
        this.bytes = bytes.clone();
    }

    /** Whether what is at a native address is a key of the kind that is known. */
    public static boolean isKnown(long at) {
        return NativeMemory.getInt(at) == AES_256_XTS;
    }

    /** Reads one. */
    public static WrappedKey decode(long at) {
        byte[] bytes = new byte[WRAPPED_BYTES];
        NativeMemory.copyToArray(at + 8, bytes, 0, WRAPPED_BYTES);
        return new WrappedKey(bytes);
    }

    /** Writes it. */
    public void encode(long at) {
        NativeMemory.putInt(at, AES_256_XTS);
        NativeMemory.putInt(at + 4, 0);
        NativeMemory.copyFromArray(bytes, 0, at + 8, WRAPPED_BYTES);
    }

    /** The wrapped key. */
    byte[] bytes() {
        return bytes.clone();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof WrappedKey key && Arrays.equals(bytes, key.bytes);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(bytes);
    }

    /** Says nothing of the key. */
    @Override
    public String toString() {
        return "a wrapped key";
    }
}
