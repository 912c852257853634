package io.vireo.device.virtio.net;

import io.vireo.memory.NativeMemory;

/**
 * The Toeplitz hash (VIRTIO 1.3, 5.1.6.4.3.4): each set bit of the input adds the 32 bits of the
 * key that begin at its place. Here a byte at a time, by a table.
 */
final class Toeplitz {
    /** Bytes of a key at most; more than the longest input needs, and the usual size. */
    static final int KEY_MAX = 40;

    /** Bytes of input: two IPv6 addresses and two ports. */
    private static final int INPUT = 36;

    private static final int VALUES = 256;

    private final int[] table = new int[INPUT * VALUES];

    /** With a key of {@link #KEY_MAX} bytes at most; a shorter one counts as if zeros followed. */
    Toeplitz(byte[] key) {
        for (int position = 0; position < INPUT; position++) {
            for (int value = 1; value < VALUES; value++) {
                int hash = 0;
                for (int bit = 0; bit < Byte.SIZE; bit++) {
                    if ((value & 0x80 >>> bit) != 0) {
                        hash ^= window(key, position * Byte.SIZE + bit);
                    }
                }
                table[position * VALUES + value] = hash;
            }
        }
    }

    /** The 32 bits of the key from a bit on. */
    private static int window(byte[] key, int bit) {
        long bits = 0;
        for (int i = 0; i <= Integer.BYTES; i++) {
            int at = bit / Byte.SIZE + i;
            bits = bits << Byte.SIZE | (at < key.length ? key[at] & 0xFF : 0);
        }
        return (int) (bits >>> Byte.SIZE - bit % Byte.SIZE);
    }

    /** Adds bytes in our own memory to a hash of {@code position} bytes before them. */
    int add(int hash, int position, long address, int length) {
        int sum = hash;
        for (int i = 0; i < length; i++) {
            int value = NativeMemory.getByte(address + i) & 0xFF;
            sum ^= table[(position + i) * VALUES + value];
        }
        return sum;
    }
}
