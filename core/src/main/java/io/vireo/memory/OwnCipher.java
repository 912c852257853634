package io.vireo.memory;

import io.vireo.linux.AesXts;

/**
 * AES-256-XTS over {@linkplain OwnMemory memory of our own}, for those that know nothing of the
 * operating system; a guest's memory is copied first. One thread at a time; allocates nothing.
 */
public final class OwnCipher implements AutoCloseable {
    /** Bytes of a key. */
    public static final int KEY_BYTES = AesXts.KEY_BYTES;

    private final AesXts cipher;

    private OwnCipher(AesXts cipher) {
        this.cipher = cipher;
    }

    /** Whether the host can do it. */
    public static boolean isAvailable() {
        return AesXts.isAvailable();
    }

    /**
     * Makes one.
     *
     * @param key {@link #KEY_BYTES} bytes; not kept
     */
    public static OwnCipher of(byte[] key) {
        return new OwnCipher(AesXts.of(key));
    }

    /**
     * Enciphers data units in place.
     *
     * @param address of our own memory
     * @param length bytes, a multiple of {@code unitBytes}
     * @param unitBytes bytes of a data unit, a multiple of 16
     * @param firstUnit number of the first one: its tweak
     */
    public void encrypt(long address, long length, int unitBytes, long firstUnit) {
        cipher.encrypt(address, length, unitBytes, firstUnit);
    }

    /** Deciphers data units in place. */
    public void decrypt(long address, long length, int unitBytes, long firstUnit) {
        cipher.decrypt(address, length, unitBytes, firstUnit);
    }

    /** Zeroes the keys. */
    @Override
    public void close() {
        cipher.close();
    }
}
